"""Official files as people have them: names in any script, several GPT files, pairs by name or place, a ZIP."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from gpt_sovits.errors import InputError
from gpt_sovits.models import catalog
from gpt_sovits.models.importing import ImportReport, import_paths
from gpt_sovits.models.matching import epochs_of, partners, speaker_of
from gpt_sovits.models.store import find_base, is_name, list_bases, name_from
from gpt_sovits.settings import Settings
from tests.models.official import write_gpt, write_sovits
from tests.models.test_import import gpt, sovits
from webui.i18n import load

pytestmark = pytest.mark.usefixtures("shared")


def write(folder: Path, *names: str, version: str = "v2") -> None:
    """Small networks, each unlike the others."""
    for number, name in enumerate(names, 2):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".pth":
            write_sovits(path, version, {key: value * number for key, value in sovits(version).items()}, tuned=True)
        else:
            write_gpt(path, {key: value * number for key, value in gpt().items()}, tuned=True)


def came(report: ImportReport) -> dict[str, str]:
    """Name of each base -> the file that its GPT network came from."""
    return {base.name: base.config["sources"].get("semantic", {}).get("file", "") for base in report.bases}


def test_pairs_are_found_by_name_in_any_script_and_by_place(settings: Settings, tmp_path: Path) -> None:
    write(tmp_path, "流萤_e8_s200.pth", "流萤-e15.ckpt", "流萤-e10.ckpt", "SoVITS-胡桃.pth", "GPT-胡桃.ckpt")
    write(tmp_path, "a/one.pth", "a/other.ckpt", "b/one.pth", "b/und.ckpt", "weights/Ünal_e4_s40.pth", "far/alone.ckpt")
    (tmp_path / "link.pth").symlink_to(tmp_path / "a" / "one.pth")
    report = import_paths([tmp_path], settings)
    assert came(report) == {
        "流萤_e8_s200": "流萤-e15.ckpt",
        "SoVITS-胡桃": "GPT-胡桃.ckpt",
        "one": "other.ckpt",
        "b-one": "und.ckpt",
        "Ünal_e4_s40": "",
    }
    skipped = dict(report.skipped)
    assert set(skipped) == {"流萤-e10.ckpt", "alone.ckpt"} and "流萤-e15.ckpt" in skipped["流萤-e10.ckpt"]
    assert {base.name for base in list_bases(settings) if not base.bundled} == set(came(report))
    again = import_paths([tmp_path], settings)  # the same files once more are no mistake
    assert came(again) == came(report)


def test_one_sovits_and_several_gpts_are_sorted_and_all_are_named(settings: Settings, tmp_path: Path) -> None:
    write(tmp_path, "ana_e8_s96.pth", "ana-e5.ckpt", "ana-e15.ckpt", "ben-e50.ckpt", "copy/ana_e8_s96.pth")
    (tmp_path / "copy" / "ana_e8_s96.pth").write_bytes((tmp_path / "ana_e8_s96.pth").read_bytes())
    write_gpt(tmp_path / "old.ckpt", gpt("v1"), "v1")
    report = import_paths([tmp_path], settings)
    assert came(report) == {"ana_e8_s96": "ana-e15.ckpt"}
    said = load("zh").lines("\n".join(": ".join(each) for each in report.skipped))
    assert "ana-e5.ckpt: ana_e8_s96 用的是 ana-e15.ckpt。要用这一个，" in said and "Import" not in said
    assert sorted(name for name, _ in report.skipped) == ["ana-e5.ckpt", "ana_e8_s96.pth", "ben-e50.ckpt", "old.ckpt"]


def test_a_zip_of_upstreams_folder_is_read_as_it_is(settings: Settings, tmp_path: Path) -> None:
    acoustic, semantic = (file.path for file in catalog.bundle("v2")[:2])
    root = tmp_path / "GPT-SoVITS-v2" / "GPT_SoVITS" / "pretrained_models"
    write_sovits(root / acoustic, "v2", sovits("v2"))
    write_gpt(root / semantic, gpt())
    write(tmp_path / "GPT-SoVITS-v2", "SoVITS_weights_v2/胡桃_e8_s96.pth", "GPT_weights_v2/胡桃-e15.ckpt")
    (root / "readme.txt").write_text("no weights")
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted((tmp_path / "GPT-SoVITS-v2").rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
        archive.writestr("../outside.pth", b"x")
        archive.writestr("broken.pth", b"x")
        archive.writestr("friend.7z", b"x")
        archive.writestr("damaged.zip", b"x")
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as inner:  # friends' voices, each packed
        write(tmp_path, "钟离_E8_S96.PTH", "钟离-e15.ckpt")
        for name in ("钟离_E8_S96.PTH", "钟离-e15.ckpt"):
            inner.write(tmp_path / name, f"钟离/{name}")
    with zipfile.ZipFile(packed, "a") as archive:
        archive.write(tmp_path / "inner.zip", "friends/钟离.zip")
    left = settings.data_dir / ".unpacked-killed"
    left.mkdir(parents=True)
    os.utime(left, (1, 1))
    report = import_paths([packed], settings)
    assert came(report) == {
        "v2": Path(semantic).name,
        "胡桃_e8_s96": "胡桃-e15.ckpt",
        "钟离_E8_S96": "钟离-e15.ckpt",
    }
    assert {name for name, _ in report.skipped} == {"broken.pth", "friend.7z", "damaged.zip"}
    assert not [said for _, said in report.skipped if load("zh").sentence(said) == said]
    assert not (tmp_path / "outside.pth").exists() and not list(settings.data_dir.glob(".unpacked*"))
    assert find_base("胡桃_e8_s96", settings).config["trainable"]
    data = packed.read_bytes()
    packed.write_bytes(data[:2000])
    with pytest.raises(InputError, match="damaged"):
        import_paths([packed], settings)


def test_names() -> None:
    for name, speaker, epochs in (
        ("流萤_e8_s200.pth", "流萤", 8),
        ("流萤-e15.ckpt", "流萤", 15),
        ("SoVITS-胡桃.pth", "胡桃", 0),
        ("【GPT】胡桃-e10.ckpt", "胡桃", 10),
        ("Ana_e4_s96_l32.pth", "ana", 4),
        ("s1v3.ckpt", "s1v3", 0),
    ):
        assert (speaker_of(Path(name)), epochs_of(Path(name))) == (speaker, epochs), name
    for semantic, own in (  # what is written onto a name, copies that a browser made, full-width letters
        ("GPT胡桃.ckpt", "SoVITS胡桃.pth"),
        ("胡桃GPT权重.ckpt", "胡桃SoVITS权重.pth"),
        ("胡桃_best.ckpt", "胡桃v2_e8_s200 (1).pth"),
        ("ＧＰＴ－胡桃.ckpt", "SoVITS-胡桃 - 副本 (2).pth"),
        ("anan-e15.ckpt", "ananv2_e8_s200.pth"),
        ("ananv2-e15.ckpt", "ananv2_e8_s200.pth"),
    ):
        acoustic = [Path("x") / own, Path("x/流萤.pth"), Path("x/anan-v4.pth" if "v2" in semantic else "x/ben.pth")]
        assert partners(Path("x") / semantic, acoustic) == acoustic[:1], semantic
    assert epochs_of(Path("Ana-e15 (1).ckpt")) == 15
    assert partners(Path("x/a.ckpt"), [Path("x/b.pth"), Path("x/c.pth")]) == []
    assert name_from("小明 me (1)") == "小明-me-1" and name_from("..") == "" and name_from("नमस्ते") == "नमस्ते"
    assert len(name_from("我" * 90).encode()) <= 200 and is_name(name_from("我" * 90))
    for wrong in ("", "../x", "a/b", ".x", "-x", "a b", "e\u0301", "con\n", "a" * 65):
        assert not is_name(wrong)
