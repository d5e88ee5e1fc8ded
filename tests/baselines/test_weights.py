"""Reading checkpoints: names of other times, prefixes, and what is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.weights import FolderWeights
from benchmarks.errors import MissingWeights
from benchmarks.interfaces import Setting
from tests.baselines.layouts import as_pytorch, bert


@pytest.mark.parametrize("file", [lambda folder: folder, as_pytorch], ids=["safetensors", "pytorch"])
def test_names_of_bert_base_uncased_are_understood(file: Callable[[Path], Path], tmp_path: Path) -> None:
    """Its file has `bert.` before every name, gamma and beta for LayerNorm's, and a head that nobody asked for."""
    import torch
    from safetensors.torch import load_file, save_file

    model = bert(tmp_path)
    old = {
        "bert."
        + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in load_file(tmp_path / "model.safetensors").items()
    }
    save_file({**old, "cls.predictions.bias": torch.zeros(3)}, tmp_path / "model.safetensors")
    found = FolderWeights(file(tmp_path)).backbone().state_dict()
    expected = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("pooler")}
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_a_tensor_that_is_not_there_is_named(tmp_path: Path) -> None:
    """transformers would draw it at random and go on."""
    from safetensors.torch import load_file, save_file

    bert(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(MissingWeights, match=r"no encoder\.layer\.1\.output\.dense\.weight, and 1 tensors"):
        FolderWeights(tmp_path).backbone()


def test_a_tensor_of_another_shape_is_refused(tmp_path: Path) -> None:
    """The message says which, what it is, and what is needed."""
    bert(tmp_path)
    with pytest.raises(MissingWeights, match=r"pooler\.dense\.bias is \[64\], and \[128\] is needed"):
        FolderWeights(tmp_path).tensor("pooler.dense.bias", (128,))


def test_a_pickle_that_is_more_than_tensors_is_not_run(tmp_path: Path) -> None:
    """A PyTorch file is read as plain tensors; code in it is refused."""
    import torch

    bert(tmp_path)
    as_pytorch(tmp_path)
    torch.save({"code": Path}, tmp_path / "pytorch_model.bin")
    with pytest.raises(MissingWeights, match="holds more than tensors"):
        FolderWeights(tmp_path).tensor("code", (1,))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"\x10" * 40),
            "cannot be read as a model",
        ),
        (lambda folder: (folder / "config.json").write_text("{", "utf-8"), "cannot be read as a model"),
        (lambda folder: (folder / "config.json").unlink(), "cannot be read as a model"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer"),
    ],
    ids=["weights", "config", "no config", "no tokenizer"],
)
def test_a_damaged_folder_is_told_in_one_line(
    spoil: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    """Whatever transformers makes of it, the reader gets one line that names the folder."""
    bert(tmp_path)
    spoil(tmp_path)
    with pytest.raises(MissingWeights, match=message) as raised:
        FolderWeights(tmp_path).backbone()
    assert "\n" not in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_a_folder_is_known_by_all_its_files(tmp_path: Path) -> None:
    """Other tokenizer, other protocol: the same weights give other vectors."""
    bert(tmp_path)
    setting = Setting(checkpoint=tmp_path)
    before = Checkpoint("some/model").identity(setting)
    (tmp_path / "tokenizer_config.json").write_text("{}", "utf-8")
    assert Checkpoint("some/model").identity(setting) != before
