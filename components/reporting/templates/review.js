"use strict";
const media = JSON.parse(document.getElementById("media").textContent);
const root = document.documentElement, now = document.getElementById("now");
const sound = document.getElementById("player"), film = document.getElementById("screen");
let playing = null, player = sound;

for (const picture of document.querySelectorAll("img[data-media]")) picture.src = media[picture.dataset.media];

function stop() { if (playing) playing.classList.remove("on"); playing = null; }
function play(button) {
  if (playing === button && !player.paused) { player.pause(); return; }
  if (playing !== button) {
    player.pause(); stop();
    player = button.classList.contains("video") ? film : sound;
    sound.hidden = player !== sound; film.hidden = player !== film;
    player.src = media[button.dataset.media]; now.textContent = button.dataset.title;
  }
  playing = button; button.classList.add("on"); player.play();
}
for (const one of [sound, film]) {
  one.addEventListener("ended", stop);
  one.addEventListener("pause", () => { if (playing && one === player) playing.classList.remove("on"); });
  one.addEventListener("play", () => { if (playing && one === player) playing.classList.add("on"); });
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.classList.contains("play")) play(button);
  if (button.dataset.set) {
    root.dataset.lang = button.dataset.set; root.lang = button.dataset.set;
    for (const other of document.querySelectorAll("[data-set]")) other.setAttribute("aria-pressed", String(other === button));
  }
  if (button.dataset.sort) sort(button);
});

// Worst first: the rows that have no value stand at the top, because a missing figure is the worst news.
function sort(button) {
  const body = button.closest("section").querySelector("table.sentences tbody");
  const key = button.dataset.sort.replace(/-(.)/g, (_, letter) => letter.toUpperCase()), sign = button.dataset.order === "down" ? -1 : 1;
  const value = (row) => row.dataset[key] === "" ? -Infinity : sign * Number(row.dataset[key]);
  body.append(...[...body.rows].sort((a, b) => value(a) - value(b)));
  for (const other of button.parentElement.querySelectorAll("[data-sort]")) other.setAttribute("aria-pressed", String(other === button));
}
for (const select of document.querySelectorAll("select.language")) select.addEventListener("change", () => {
  for (const row of select.closest("section").querySelectorAll("table.sentences tbody tr"))
    row.hidden = select.value !== "" && row.dataset.language !== select.value;
});
