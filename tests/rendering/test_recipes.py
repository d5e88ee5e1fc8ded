"""A recipe beside the paper's: what differs, what does not."""

from __future__ import annotations

from pathlib import Path

from benchmarks.registry import baselines
from benchmarks.rendering.recipes import recipe_section


def test_every_difference_is_a_row(tmp_path: Path) -> None:
    """Other values, and what one side does not set; equal settings are a sentence."""
    path = tmp_path / "recipe.toml"
    path.write_text(
        '[paper]\nbatch = 8192\nshared = false\nmask = 0.3\n[lab]\nbatch = 128\nstart = "x"\nmask = 0.3\nshared = false\n'
    )
    _, _, rows, same = recipe_section(path)
    assert [line.replace(" ", "") for line in rows.splitlines()[2:]] == ["|batch|8,192|128|", "|start|-|`x`|"]
    assert same == "The same in both: shared no; mask 0.3."
    path.write_text("[lab]\nbatch = 1\n")
    assert recipe_section(path) == []


def test_every_paper_says_what_it_contributed() -> None:
    """In a few sentences; those that train show how."""
    papers = {key: one for key, one in baselines().items() if one.published and one.paper and one.claims}
    assert len(papers) == 9
    for key, one in papers.items():
        assert one.paper is not None
        assert 200 < len(one.paper.contribution) < 700, key
        assert one.recipe is None or recipe_section(one.recipe), key
    assert sum(one.recipe is not None for one in papers.values()) == 8
