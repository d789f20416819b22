"""The table of a mutation campaign: classes of damage against the checks that refused."""

from collections import Counter

# A check counts as tried where it was this often the only one to refuse.
ALONE = 100

# What reads descriptors: whoever breaks one of its rules breaks another one as well, more often
# than not, so its sites are counted and not asserted. `make mutants` has a test for each.
LAYOUTS = ("checker.rs", "checker/", "encoding.rs")
# Checks of what no verifier of a proof reads.
_OTHER = "reads no key and no proof: "
# Checks that cannot be the only ones to refuse, by file and by the beginning of their text.
NEVER_ALONE = {
    ("proof.rs", "self .words"): "the length of a proof is checked before it is read",
    ("kzg.rs", "Err(InvalidCommitment"): "callers cut words in twos",
    ("commit.rs", "else PointError::NotOnCurve"): (
        "points off the curve have no sum: the pairing equation fails as well"
    ),
    ("commit.rs", "Err(PointError::Identity)"): (
        "in an opening an identity needs a column without masks (opening/tests/refused.rs has it); "
        "elsewhere verify.rs refuses it as well"
    ),
    ("opening.rs", "zeta.inverse()"): (
        "a challenge of zero is made by a script, and then the proof is one for another challenge"
    ),
    ("opening.rs", "return length"): "a proof's length is checked before its opening is read",
    ("opening.rs", "return OpeningError::Variables"): "the layout checker has seen c",
    ("keys.rs", "return ChunkCount"): "a key's bytes are cut by the number of chunks",
    ("keys/bytes.rs", "self.0.split_first_chunk"): "what is not there cannot be read",
    ("keys/bytes.rs", "usize::try_from(n)"): "what is not there cannot be read",
    ("srs.rs", "return PointError::Identity"): "[tau]_1 is not the identity: another secret",
    ("srs.rs", "return PointError::NotOnCurve"): "no secret's power: the pairing equation fails",
    ("srs.rs", "return PointError::NotInSubgroup"): "no secret's power: the equation fails",
    ("srs.rs", "return SrsError::LogSize"): _OTHER + "files of parameters",
    ("srs.rs", "return SrsError::Length"): _OTHER + "files of parameters",
    ("srs.rs", "return SrsError::Generator"): _OTHER + "files of parameters",
    ("keys/bytes.rs", "Err(KeyError::Damaged)"): _OTHER + "proving keys, committed inputs",
    ("keys/bytes.rs", "return KeyError::Circuit"): _OTHER + "committed inputs",
    ("keys/bytes.rs", "return KeyError::Values"): _OTHER + "committed inputs",
}


class Table:
    """The reports of several processes, added up.

    Attributes
    ----------
    coherent, incoherent
        How many mutations.
    failures
        Mutations that were accepted, or that a verifier panicked at: each line makes one again.
    missing
        Classes that found nothing to damage in a tier.
    """

    def __init__(self, reports, sites):
        self.sites = sites
        self.coherent = sum(report["coherent"] for report in reports)
        self.incoherent = sum(report["incoherent"] for report in reports)
        self.failures = [line for report in reports for line in report["failures"]]
        self.missing = sorted({line for report in reports for line in report["missing"]})
        self.refused, self.alone = Counter(), Counter()
        self.costs, self.seconds = Counter(), Counter()
        for report in reports:
            for row in report["table"]:
                key = row["class"], row["refused_by"]
                self.refused[key] += row["refused"]
                self.alone[key] += row["alone"]
            for row in report["costs"]:
                key = row["class"], row["coherent"], row["tier"]
                self.costs[key] += row["mutations"]
                self.seconds[key] += row["seconds"]

    def title(self, refused_by):
        """Return what refused, in words: a site's place and text."""
        if not refused_by.isdigit():
            return refused_by
        site = self.sites[int(refused_by)]
        return f"{site.path.rpartition('/src/')[2]}:{site.line} {site.what}"

    def by_site(self):
        """Return how often each check refused, and how often nothing else did."""
        refused, alone = Counter(), Counter()
        for (_, by), count in self.refused.items():
            refused[by] += count
        for (_, by), count in self.alone.items():
            alone[by] += count
        return {by: (count, alone[by]) for by, count in refused.items()}

    def shortfalls(self):
        """Return the checks that were seldom or never the only ones to refuse, and how often."""
        counts = {int(by): alone for by, (_, alone) in self.by_site().items() if by.isdigit()}
        refusing = (site.number for site in self.sites.values() if site.refuses)
        found = {self.title(str(n)): counts.get(n, 0) for n in refusing}
        return {title: alone for title, alone in found.items() if alone < ALONE}

    def against_the_list(self):
        """Return the checks that were seldom alone and are not in the list, and the list's rest."""
        seldom, listed = {}, set()
        for title, alone in self.shortfalls().items():
            path, _, what = title.partition(":")
            if path.startswith(LAYOUTS):
                continue
            what = what.partition(" ")[2]
            row = next((row for row in NEVER_ALONE if _is(row, path, what)), None)
            if row is None or alone:
                seldom[title] = alone
            listed.add(row)
        return seldom, sorted(row for row in NEVER_ALONE if row not in listed)

    def text(self):
        """Return the table."""
        lines = [
            f"{self.incoherent + self.coherent} mutations, {self.coherent} of them coherent; "
            f"{len(self.failures)} accepted or panicked",
            *self.failures,
            "",
            "tier, coherent: mutations, seconds",
        ]
        tiers = Counter()
        for (_, coherent, tier), count in self.costs.items():
            tiers[tier, coherent, "n"] += count
        for (_, coherent, tier), seconds in self.seconds.items():
            tiers[tier, coherent, "s"] += seconds
        for tier, coherent in sorted({key[:2] for key in tiers}):
            n, s = tiers[tier, coherent, "n"], tiers[tier, coherent, "s"]
            lines.append(f"  {tier}, {coherent}: {n}, {s:.0f}")
        lines += ["", "check: refused, alone"]
        for by, (count, alone) in sorted(self.by_site().items(), key=lambda row: -row[1][0]):
            lines.append(f"  {count:6} {alone:6}  {self.title(by)}")
        lines += ["", "class: check, refused, alone"]
        for (name, by), count in sorted(self.refused.items()):
            lines.append(f"  {name}: {self.title(by)}: {count}, {self.alone[name, by]}")
        lines += ["", f"alone less than {ALONE} times"]
        lines += [f"  {alone:4}  {title}" for title, alone in sorted(self.shortfalls().items())]
        return "\n".join(lines) + "\n"


def _is(row, path, what):
    return row[0] == path and what.startswith(row[1])
