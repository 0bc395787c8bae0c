"""Korean: standard pronunciation, and numbers in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.text import spoken
from components.text.korean_pronunciation import pronounce

WORDS = """
국물이 궁무리
읽는다 잉는다
신라 실라
한국어 한구거
옷이 오시
닭을 달글
없어요 업써요
값이 갑씨
앉아 안자
많아 마나
싫어 시러
좋아요 조아요
좋다 조타
않고 안코
놓는 논는
굳이 구지
같이 가치
붙여 부처
굳히다 구치다
닫혀 다처
벼훑이 벼훌치
독립 동닙
협력 혐녁
종로 종노
담력 담녁
칼날 칼랄
난로 날로
앞마당 암마당
먹는 멍는
밥물 밤물
꽃망울 꼰망울
학교 학꾜
국밥 국빱
옆집 엽찝
낮잠 낟짬
앉고 안꼬
닮고 담꼬
삶도 삼도
넓게 널께
핥다 할따
읽고 일꼬
닭과 닥꽈
밟다 밥따
여덟 여덜
넋 넉
부엌 부억
밖 박
축하 추카
입학 이팍
맞히다 마치다
밝히다 발키다
앉히다 안치다
넓히다 널피다
못하다 모타다
꽃향기 꼬턍기
뚫네 뚤레
닿소 다쏘
희망 히망
가져 가저
값도 갑또
몫이 목씨
의사 의사
있습니다 읻씀니다
맛있어요 마시써요
꽃잎 꼰닙
발전 발쩐
"""


@pytest.mark.parametrize("pair", WORDS.strip().splitlines())
def test_words_are_respelt_by_standard_pronunciation(pair: str) -> None:
    written, pronounced = pair.split()
    assert pronounce(written) == pronounced


def test_the_table_is_not_small() -> None:
    assert len(WORDS.strip().splitlines()) >= 40


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("3시 15분", "세 시 십오분"),
        ("12000원", "만이천원"),
        ("12,000원", "만이천원"),
        ("20개", "스무 개"),
        ("17번 버스", "십칠번 버스"),
        ("6월 10월", "유월 시월"),
        ("3.5%", "삼점오퍼센트"),
        ("007", "영영칠"),
        ("100100", "십만백"),
        ("0", "영"),
        ("AI", "에이아이"),
        ("5 km", "오 킬로미터"),
    ],
)
def test_numbers_letters_and_units_in_words(written: str, read: str) -> None:
    assert spoken(written, "ko") == pronounce(read)


def test_bound_nouns_are_tensed_after_an_adnominal_l() -> None:
    assert pronounce("할 수 있는 것을") == "할 쑤 인는 거슬"
    assert pronounce("물 거리") == "물 거리"


@given(
    st.text(alphabet=st.characters(min_codepoint=ord("가"), max_codepoint=ord("힣")), min_size=1, max_size=8)
)
def test_any_hangul_keeps_its_number_of_syllables_and_settles(word: str) -> None:
    said = pronounce(word)
    assert len(said) == len(word)
    codas = {(ord(letter) - ord("가")) % 28 for letter in said}
    assert codas <= {0, 1, 4, 7, 8, 16, 17, 21}  # none, ㄱ ㄴ ㄷ ㄹ ㅁ ㅂ ㅇ
