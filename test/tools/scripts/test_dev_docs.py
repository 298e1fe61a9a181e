"""docs/generated says what the .td files say."""

import dev_docs


def test_generated_pages_are_up_to_date():
    assert dev_docs.stale(dev_docs.pages()) == [], "run ./dev docs"


def test_there_is_a_page_for_the_dialect_and_for_passes():
    names = dev_docs.pages().keys()
    assert "dialect-nn.md" in names and any(name.startswith("passes-") for name in names)


def test_a_stale_page_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(dev_docs, "GENERATED", tmp_path)
    (tmp_path / "a.md").write_text("old")
    (tmp_path / "gone.md").write_text("x")
    (tmp_path / "same.md").write_text("same")
    assert dev_docs.stale({"a.md": "new", "b.md": "new", "same.md": "same"}) == ["a.md", "b.md", "gone.md"]
