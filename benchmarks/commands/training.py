"""`train`: make the weights that are trained here, measure what they are for, and write the reports."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.commands import measuring
from benchmarks.errors import UnknownName, UsageError
from benchmarks.grid import Outcome, check_names
from benchmarks.interfaces import Setting
from benchmarks.progress import Progress
from benchmarks.registry import baselines, profile_of, trained_leaves
from benchmarks.retrieval.resolve import canonical_spec
from benchmarks.spec import parse
from benchmarks.suites import Suite, suite, suites
from benchmarks.training import Trained, run_trained, train_all

HELP = "train variants that are trained here, and measure them"
_PROFILE = "lab"


def add(parser: ArgumentParser) -> None:
    """What to train, and whether to measure it."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--baseline", metavar="KEY", help="every experiment that has variants of this baseline"
    )
    which.add_argument("--suite", metavar="NAME", help="one experiment (see `list`)")
    parser.add_argument(
        "--profile", metavar="NAME", help=f"with --baseline: which of its (default: {_PROFILE})"
    )
    parser.add_argument("--only-train", action="store_true", help="measure nothing")
    parser.add_argument(
        "--retrain",
        action="store_true",
        help="train again what was trained before: after a change of code (what it starts from is kept)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="two steps of each on generated text from random weights; keeps no weights, and says what memory it takes",
    )
    measuring.add(parser)


def run(args: Namespace) -> int:
    """Train, measure, render; seed after seed, so that the first is complete before the second begins."""
    variants = [str(canonical_spec(parse(text))) for text in args.variant]
    if args.dry_run:
        return _rehearse(variants or _of_profile(args), args)
    chosen = _chosen(args)
    if not chosen and not variants:
        raise UsageError("name a --baseline, a --suite or a --variant; see `retriever-bench list --trained`")
    plan = measuring.planned(chosen, variants, args.collection, args.seed)
    for cells in plan.values():
        check_names(cells)
    specs = {seed: [spec for spec, _ in cells] or variants for seed, cells in plan.items()}
    _check_trained(spec for some in specs.values() for spec in some)
    only_train = args.only_train or not any(plan.values())
    if not only_train:
        measuring.check_results_folder(chosen, args)
    bench = measuring.bench_of(args, next(iter(plan)))
    trained: dict[int, Trained] = {}
    outcomes: dict[int, Outcome] = {}
    for seed, cells in plan.items():
        trained[seed] = train_all(specs[seed], Setting(seed=seed, retrain=args.retrain), bench.progress)
        if not only_train:
            outcomes[seed] = run_trained(cells, trained[seed], replace(bench, seed=seed))
    report = measuring.render(outcomes, args)
    if args.json:
        measuring.print_json(_as_json(trained) | measuring.as_json(outcomes, report))
    else:
        _show(trained)
        measuring.show(outcomes, report)
    return _exit_code(trained, args.strict) or (
        0 if only_train else measuring.exit_code(outcomes, args.strict)
    )


def _chosen(args: Namespace) -> list[Suite]:
    """The experiments that are named, by themselves or by a baseline and its profile. Raises `UnknownName`."""
    if args.profile and not args.baseline:
        raise UsageError("--profile goes with --baseline")
    if args.suite:
        return [suite(args.suite)]
    if not args.baseline:
        return []
    profile, _ = _profile(args)
    wanted = (args.baseline, profile)
    found = [one for one in suites().values() if one.is_experiment and wanted in set(_profiles(one))]
    if not found:
        raise UsageError(f"no experiment trains {args.baseline}:{profile}; name a --variant")
    return found


def _profile(args: Namespace) -> tuple[str, list[str]]:
    """The profile that is named, and the variants of the baseline in it. Raises `UnknownName`."""
    known = baselines()
    if args.baseline not in known:
        raise UnknownName("baseline", args.baseline, known)
    profile, profiles = args.profile or _PROFILE, known[args.baseline].profiles
    if profile not in profiles:
        raise UnknownName(
            f"profile of {args.baseline}", profile, profiles, "none of its variants is trained here"
        )
    return profile, [f"{args.baseline}:{name}" for name in profiles[profile]]


def _rehearse(variants: Sequence[str], args: Namespace) -> int:
    """Two steps of each variant. Nothing is kept, and nothing measured."""
    _check_trained(variants)
    trained = {
        0: train_all(variants, Setting(seed=args.seed or 0, random_weights=True), Progress(args.quiet))
    }
    if args.json:
        measuring.print_json(_as_json(trained))
    else:
        _show(trained, "rehearsed")
    return _exit_code(trained, args.strict)


def _check_trained(specs: Iterable[str]) -> None:
    if not any(trained_leaves(parse(spec)) for spec in specs):
        raise UsageError("nothing of this is trained here; `retriever-bench run` measures it")


def _of_profile(args: Namespace) -> list[str]:
    """Every variant of the suite or profile that is named."""
    if args.suite:
        return list(suite(args.suite).variants)
    if not args.baseline:
        raise UsageError("name a --baseline, a --suite or a --variant; see `retriever-bench list --trained`")
    _, variants = _profile(args)
    return variants


def _profiles(one: Suite) -> Iterator[tuple[str, str]]:
    """The baselines and profiles that a suite trains."""
    for spec in one.variants:
        for leaf in trained_leaves(parse(spec)):
            yield leaf.baseline, profile_of(leaf.variant or "")


def _exit_code(trained: Mapping[int, Trained], strict: bool) -> int:
    found = trained.values()
    if found and all(one.useless for one in found):
        return 2
    if any(one.failed for one in found) or (strict and any(one.not_trained for one in found)):
        return 1
    return 0 if any(one.folders for one in found) else 1


def _show(trained: Mapping[int, Trained], done: str = "trained") -> None:
    for seed, one in trained.items():
        for name in one.folders:
            print(f"{done}: {name}, seed {seed}")
        for heading, lost in (("not trained", one.not_trained), ("failed to train", one.failed)):
            for name, why in lost.items():
                print(f"{heading}: {name}, seed {seed}: {why}")


def _as_json(trained: Mapping[int, Trained]) -> dict[str, Any]:
    def lost(name: str) -> list[dict[str, Any]]:
        return [
            {"variant": variant, "seed": seed, "why": why}
            for seed, one in trained.items() for variant, why in getattr(one, name).items()
        ]  # fmt: skip

    folders = [
        {"variant": variant, "seed": seed, "folder": str(folder)}
        for seed, one in trained.items() for variant, folder in one.folders.items()
    ]  # fmt: skip
    return {"trained": folders, "not_trained": lost("not_trained"), "failed_to_train": lost("failed")}
