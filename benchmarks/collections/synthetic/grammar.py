"""The words of the synthetic world: kinds of entities, their relations, and how both are said.

A relation has two registers. Documents say it with `told`, questions with `asked`, and the two
share no content word: what connects them can be learnt, and not matched.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Relation:
    """One kind of fact. `target` is a kind of entity, or a list of literal values."""

    heading: str
    target: str | tuple[str, ...]
    told: tuple[str, ...]
    asked: tuple[str, ...]
    topic: tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """One kind of entity: what it is called, and the four relations its article tells."""

    name: str
    called: tuple[str, ...]
    epithets: tuple[str, ...]
    relations: tuple[Relation, Relation, Relation, Relation]


_YEARS = tuple(str(year) for year in range(1520, 1990, 3))
_LENGTHS = tuple(f"{length} kilometres" for length in range(40, 2400, 17))
_FIELDS = (
    "botany",
    "geometry",
    "optics",
    "rhetoric",
    "metallurgy",
    "harmony",
    "cartography",
    "medicine",
    "law",
)
_GOODS = ("glass", "linen", "salt", "paper", "copper wire", "amber", "porcelain", "rope", "lenses", "dyes")
_COLOURS = ("crimson", "ochre", "slate grey", "pale green", "ivory", "violet", "black and white", "turquoise")
_MATERIALS = ("walnut", "brass", "bone", "ebony", "silver", "clay", "maple", "iron")
_MOUNTAINS = ("the Aral heights", "the Koss plateau", "the Mirna glacier", "the Dune hills", "the Teth range")

KINDS: tuple[Kind, ...] = (
    Kind(
        "person",
        ("a scholar", "a merchant", "an engineer", "a physician"),
        ("thinker", "trader", "builder", "healer"),
        (
            Relation(
                "Early life",
                "city",
                (
                    "{s} was born in {o}",
                    "{s} spent the childhood years in {o}",
                    "the parents of {s} lived in {o}",
                ),
                ("which town did {s} come from", "where did {s} grow up"),
                ("family", "school", "household", "teacher", "youth"),
            ),
            Relation(
                "Studies",
                _FIELDS,
                ("{s} studied {o}", "{s} wrote two treatises on {o}", "{s} lectured on {o} for years"),
                ("what subject was {s} an expert of", "which discipline occupied {s}"),
                ("academy", "lecture", "treatise", "library", "student"),
            ),
            Relation(
                "Enterprise",
                "company",
                ("{s} founded {o}", "{s} established the house of {o}", "{s} laid the first stone of {o}"),
                ("what business did {s} start", "which firm goes back to {s}"),
                ("capital", "partner", "contract", "workshop", "ledger"),
            ),
            Relation(
                "Death",
                _YEARS,
                ("{s} died in {o}", "{s} was buried in {o}", "the funeral of {s} was held in {o}"),
                ("when did the life of {s} end", "in what year did {s} pass away"),
                ("illness", "grave", "testament", "mourning", "heirs"),
            ),
        ),
    ),
    Kind(
        "city",
        ("a walled city", "a harbour", "a market settlement", "a regional capital"),
        ("stronghold", "port", "bazaar", "seat"),
        (
            Relation(
                "Geography",
                "river",
                ("{s} lies on {o}", "{s} stretches along both banks of {o}", "bridges of {s} cross {o}"),
                ("what water runs past {s}", "which stream does {s} border"),
                ("valley", "bridge", "flood", "quay", "meadow"),
            ),
            Relation(
                "Economy",
                _GOODS,
                ("{s} lives from {o}", "{s} exports {o}", "the guilds of {s} work with {o}"),
                ("what does {s} sell", "which goods made {s} rich"),
                ("guild", "export", "tariff", "warehouse", "craft"),
            ),
            Relation(
                "Partnerships",
                "city",
                (
                    "{s} is twinned with {o}",
                    "{s} signed a treaty with {o}",
                    "delegations of {s} visit {o} each spring",
                ),
                ("who is the ally of {s}", "which place has friendly ties to {s}"),
                ("treaty", "delegation", "festival", "council", "exchange"),
            ),
            Relation(
                "History",
                _YEARS,
                (
                    "{s} received its charter in {o}",
                    "{s} is first mentioned in {o}",
                    "settlers reached {s} in {o}",
                ),
                ("how old is {s}", "since when does {s} exist"),
                ("charter", "siege", "chronicle", "settlers", "archive"),
            ),
        ),
    ),
    Kind(
        "company",
        ("a trading house", "a manufactory", "a bank", "a publishing house"),
        ("dealer", "maker", "lender", "printer"),
        (
            Relation(
                "Headquarters",
                "city",
                (
                    "{s} has its seat in {o}",
                    "the offices of {s} stand in {o}",
                    "{s} moved its directors to {o}",
                ),
                ("where is {s} run from", "which location houses {s}"),
                ("office", "director", "tower", "street", "staff"),
            ),
            Relation(
                "Ownership",
                "person",
                ("{s} belongs to {o}", "{o} holds the shares of {s}", "{s} was bought by {o}"),
                ("who controls {s}", "whose property is {s}"),
                ("share", "board", "dividend", "merger", "vote"),
            ),
            Relation(
                "Products",
                _GOODS,
                (
                    "{s} produces {o}",
                    "{s} supplies half the country with {o}",
                    "the furnaces of {s} yield {o}",
                ),
                ("what is made by {s}", "which commodity comes from {s}"),
                ("factory", "machine", "furnace", "delivery", "quality"),
            ),
            Relation(
                "Crisis",
                _YEARS,
                ("{s} went bankrupt in {o}", "creditors closed {s} in {o}", "{s} lost its fleet in {o}"),
                ("when did {s} collapse", "in what year was {s} ruined"),
                ("debt", "creditor", "auction", "panic", "court"),
            ),
        ),
    ),
    Kind(
        "river",
        ("a lowland river", "a mountain torrent", "a navigable waterway", "a border river"),
        ("meander", "cascade", "channel", "frontier"),
        (
            Relation(
                "Course",
                "city",
                ("{s} flows through {o}", "{s} divides {o} in two", "{s} passes the walls of {o}"),
                ("which settlement does {s} touch", "what town is watered by {s}"),
                ("current", "bend", "delta", "reed", "island"),
            ),
            Relation(
                "Source",
                _MOUNTAINS,
                ("{s} rises in {o}", "springs in {o} feed {s}", "{s} descends from {o}"),
                ("where does {s} begin", "what is the origin of {s}"),
                ("spring", "snow", "slope", "rock", "gorge"),
            ),
            Relation(
                "Length",
                _LENGTHS,
                ("{s} measures {o}", "surveyors gave {s} a length of {o}", "{s} winds for {o}"),
                ("how long is {s}", "how far does {s} extend"),
                ("survey", "map", "distance", "mouth", "basin"),
            ),
            Relation(
                "Exploration",
                "person",
                ("{s} was charted by {o}", "{o} sailed the whole of {s}", "{o} drew the first plan of {s}"),
                ("who explored {s}", "which traveller described {s}"),
                ("expedition", "boat", "guide", "diary", "rapids"),
            ),
        ),
    ),
    Kind(
        "species",
        ("a wading bird", "a night moth", "a climbing plant", "a freshwater fish"),
        ("wader", "flier", "vine", "swimmer"),
        (
            Relation(
                "Habitat",
                "river",
                ("{s} nests along {o}", "{s} is found near {o}", "the shores of {o} shelter {s}"),
                ("where does {s} live", "which region is home to {s}"),
                ("nest", "reed", "shore", "climate", "winter"),
            ),
            Relation(
                "Discovery",
                "person",
                ("{s} was described by {o}", "{o} named {s}", "{o} collected the first specimen of {s}"),
                ("who discovered {s}", "which naturalist found {s}"),
                ("specimen", "museum", "drawing", "journal", "taxonomy"),
            ),
            Relation(
                "Appearance",
                _COLOURS,
                ("{s} is {o}", "adults of {s} are {o}", "{s} turns {o} in summer"),
                ("what does {s} look like", "which hue marks {s}"),
                ("feather", "pattern", "wing", "leaf", "marking"),
            ),
            Relation(
                "Decline",
                _YEARS,
                (
                    "{s} was last seen in {o}",
                    "{s} vanished in {o}",
                    "the last colony of {s} was counted in {o}",
                ),
                ("when did {s} become extinct", "until what year did {s} survive"),
                ("colony", "hunter", "drought", "census", "protection"),
            ),
        ),
    ),
    Kind(
        "instrument",
        ("a string instrument", "a measuring device", "a clock", "a hand press"),
        ("lute", "gauge", "timepiece", "press"),
        (
            Relation(
                "Invention",
                "person",
                ("{s} was invented by {o}", "{o} built the first {s}", "{o} patented {s}"),
                ("who designed {s}", "whose idea was {s}"),
                ("patent", "sketch", "prototype", "mechanism", "tool"),
            ),
            Relation(
                "Manufacture",
                "company",
                ("{s} is made by {o}", "{o} turned out hundreds of {s}", "{o} holds the licence for {s}"),
                ("which firm builds {s}", "what business supplies {s}"),
                ("licence", "assembly", "batch", "price", "catalogue"),
            ),
            Relation(
                "Construction",
                _MATERIALS,
                ("{s} is carved from {o}", "{s} has a frame of {o}", "the body of {s} consists of {o}"),
                ("what is {s} built of", "which substance forms {s}"),
                ("frame", "joint", "varnish", "weight", "screw"),
            ),
            Relation(
                "Reception",
                _YEARS,
                ("{s} was first shown in {o}", "critics heard of {s} in {o}", "{s} won a medal in {o}"),
                ("when did the public meet {s}", "in what year was {s} presented"),
                ("exhibition", "medal", "audience", "review", "fashion"),
            ),
        ),
    ),
)

FILLERS = (
    "Records speak of {a} and {b}.",
    "The {a} is discussed together with the {b}.",
    "Older sources mention a {a}, later ones a {b}.",
    "Little is known about the {a}, more about the {b}.",
    "A {a} and a {b} are kept to this day.",
    "Visitors ask for the {a} before the {b}.",
)

SYLLABLES = tuple(
    onset + vowel
    for onset in ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "tr")
    for vowel in ("a", "e", "i", "o")
)
"""Sixty-four syllables: a name is a number written with them."""
