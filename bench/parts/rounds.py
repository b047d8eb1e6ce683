"""Rounds: everybody in turn, and which round to report."""


def rotated(items, number):
    """The items, another one first in each round."""
    turn = number % max(1, len(items))
    return items[turn:] + items[:turn]


def median_round(rounds):
    """The round whose time is the median: its figures belong together."""
    by_time = sorted(rounds, key=lambda r: r["ns"] / r["n"])
    chosen = dict(by_time[(len(by_time) - 1) // 2])
    chosen["round_ns"] = [r["ns"] for r in rounds]
    return chosen


def median_rounds(rounds):
    """Of name -> way -> rounds; names without any are left out."""
    return {name: {way: median_round(figures) for way, figures in ways.items()}
            for name, ways in rounds.items() if ways}
