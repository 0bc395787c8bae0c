"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const trials = read("trials"), media = read("media"), at = (id) => document.getElementById(id);
const player = at("player"), test = at("test").textContent;
const QUALITY = ["매우 나쁨", "나쁨", "보통", "좋음", "매우 좋음"];
let state = null, place = 0, playing = null;

// mulberry32 over a hash of test and rater: each rater hears another order, and the same one after a reload.
function dice(text) {
  let seed = 2166136261;
  for (const letter of text) seed = Math.imul(seed ^ letter.codePointAt(0), 16777619);
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
function order(rater) {
  const draw = dice(test + "/" + rater);
  const shuffled = (list) => {
    const found = [...list];
    for (let last = found.length - 1; last > 0; last--) {
      const other = Math.floor(draw() * (last + 1));
      [found[last], found[other]] = [found[other], found[last]];
    }
    return found;
  };
  const of = (kind) => shuffled(trials.filter((one) => one.kind === kind).map((one) => one.trial));
  return [...of("mos"), ...of("abx")];
}
const kept = () => "iris-listening/" + test + "/" + state.rater;
function keep() { try { localStorage.setItem(kept(), JSON.stringify(state)); } catch { /* private window: only in memory */ } }
function recall(rater) {
  try { return JSON.parse(localStorage.getItem("iris-listening/" + test + "/" + rater)); } catch { return null; }
}

const current = () => trials.find((one) => one.trial === state.order[place]);
const record = (trial) => state.answers[trial] ??= {answer: "", plays: 0, seconds: 0, heard: []};
const complete = (one) => one.clips.every((clip) => record(one.trial).heard.includes(clip.name));

function begin() {
  const rater = at("rater").value.trim();
  if (!/^[\p{L}\p{N}_-]{1,40}$/u.test(rater)) { at("rater-problem").textContent = "평가자 번호를 글자와 숫자로 적어 주십시오."; at("rater").focus(); return; }
  state = recall(rater) ?? {rater, started: new Date().toISOString(), finished: "", order: order(rater), answers: {}};
  const open = state.order.findIndex((trial) => !record(trial).answer);
  show("trial"); go(open < 0 ? state.order.length : open);
}
function show(name) { for (const id of ["intro", "trial", "end"]) at(id).hidden = id !== name; }
function go(to) {
  player.pause(); playing = null;
  if (to >= state.order.length) { finish(); return; }
  place = Math.max(0, to); show("trial");
  const one = current(), total = state.order.length;
  at("count").textContent = (place + 1) + " / " + total + (one.kind === "mos" ? " · 음질" : " · 구분");
  at("done").style.width = (100 * place / total) + "%";
  at("done").parentElement.setAttribute("aria-valuenow", String(place / total));
  at("question").textContent = one.kind === "mos" ? "이 음성은 얼마나 자연스럽습니까?" : "X는 A와 B 가운데 어느 것과 같습니까?";
  at("players").replaceChildren(...one.clips.map(playButton));
  const choices = one.kind === "mos" ? QUALITY.map((word, index) => [String(index + 1), word]) : [["A", "X는 A"], ["B", "X는 B"]];
  at("answers").replaceChildren(...choices.map(answerButton));
  at("question").focus(); refresh();
}
function playButton(clip) {
  const button = document.createElement("button");
  button.dataset.clip = clip.name; button.textContent = clip.name ? "▶ " + clip.name : "▶ 듣기";
  button.addEventListener("click", () => listen(clip.name));
  return button;
}
function answerButton([value, word]) {
  const button = document.createElement("button"), digit = document.createElement("b");
  digit.textContent = value; button.append(digit, word);
  button.dataset.answer = value; button.setAttribute("role", "radio");
  button.addEventListener("click", () => answer(value));
  return button;
}
function refresh() {
  const one = current(), mine = record(one.trial), ready = complete(one);
  for (const button of at("players").children) {
    button.classList.toggle("heard", mine.heard.includes(button.dataset.clip));
    button.classList.toggle("playing", playing === button.dataset.clip);
  }
  for (const button of at("answers").children) {
    button.disabled = !ready; button.setAttribute("aria-checked", String(mine.answer === button.dataset.answer));
  }
  at("next").disabled = !mine.answer; at("back").disabled = place === 0;
  at("hint").textContent = !ready ? (one.kind === "mos" ? "끝까지 들으면 답할 수 있습니다." : "A, X, B를 모두 끝까지 들으면 답할 수 있습니다.")
    : mine.answer ? "" : "답을 고르십시오.";
}
function listen(name) {
  const clip = current().clips.find((one) => one.name === name);
  if (!clip) return;
  if (playing === name && !player.paused) { player.pause(); playing = null; refresh(); return; }
  record(current().trial).plays += 1; playing = name;
  player.src = media[clip.media]; player.play(); refresh();
}
player.addEventListener("ended", () => {
  const mine = record(current().trial);
  if (!mine.heard.includes(playing)) mine.heard.push(playing);
  mine.seconds = Math.round(10 * (mine.seconds + player.duration)) / 10;
  playing = null; keep(); refresh();
});
function answer(value) {
  const one = current();
  const fits = one.kind === "mos" ? "12345".includes(value) : "AB".includes(value);
  if (!fits || !complete(one)) return;
  record(one.trial).answer = value; keep(); refresh();
}
function finish() {
  state.finished = new Date().toISOString(); keep(); show("end");
  const answered = state.order.filter((trial) => record(trial).answer).length;
  at("summary").textContent = "평가자 " + state.rater + " · 답한 문항 " + answered + " / " + state.order.length;
}
function result() {
  const answers = state.order.map((trial) => ({trial, answer: record(trial).answer, plays: record(trial).plays, seconds: record(trial).seconds}));
  return {format: "iris-listening-ratings/1", test_id: test, rater: state.rater, started: state.started, finished: state.finished, answers};
}
function table() {
  const rows = result().answers.map((one) => [test, state.rater, one.trial, one.answer, one.plays, one.seconds].join(","));
  return "\ufefftest_id,rater,trial,answer,plays,seconds\r\n" + rows.join("\r\n") + "\r\n";
}
function save(text, kind, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: kind}));
  link.download = "ratings-" + test + "-" + state.rater + ending; link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
at("begin").addEventListener("click", begin);
at("next").addEventListener("click", () => go(place + 1));
at("back").addEventListener("click", () => go(place - 1));
at("again").addEventListener("click", () => go(0));
at("json").addEventListener("click", () => save(JSON.stringify(result(), null, 1), "application/json", ".json"));
at("csv").addEventListener("click", () => save(table(), "text/csv", ".csv"));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (!at("intro").hidden) { if (event.key === "Enter" && event.target === at("rater")) begin(); return; }
  if (at("trial").hidden) return;
  const one = current(), code = event.code, moved = event.key;
  const clips = {KeyQ: "A", KeyW: "X", KeyE: "B"};
  if (event.code === "Space") listen(playing ?? (one.clips.find((clip) => !record(one.trial).heard.includes(clip.name)) ?? one.clips[0]).name);
  else if (one.kind === "abx" && clips[code]) listen(clips[code]);
  else if (one.kind === "abx" && (code === "KeyA" || code === "KeyB")) answer(code.slice(3));
  else if (one.kind === "mos" && /^[1-5]$/.test(moved)) answer(moved);
  else if (moved === "ArrowRight" || (moved === "Enter" && event.target.tagName !== "BUTTON")) { if (!at("next").disabled) go(place + 1); }
  else if (moved === "ArrowLeft") { if (!at("back").disabled) go(place - 1); }
  else return;
  event.preventDefault();
});
