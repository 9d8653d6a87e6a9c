"""Which process of a job this is, and its share."""

import pytest

from gan_style.distributed import Ranks
from gan_style.errors import ConfigError

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "1",
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "TORCHELASTIC_RESTART_COUNT": "2",
    "TORCHELASTIC_MAX_RESTARTS": "3",
}


def test_without_torchrun_there_is_one_process() -> None:
    ranks = Ranks.of_environment({"RANK": "5", "WORLD_SIZE": "8"})  # another program's variables
    assert (ranks.first, ranks.count, ranks.restarts) == (True, 1, 0)
    assert ranks.share([1, 2, 3]) == [1, 2, 3]
    assert ranks.by_first(lambda: 4) == 4
    assert ranks.gathered("a") == ["a"]
    assert ranks.device("auto") == "auto"


def test_torchrun_says_which_process_this_is() -> None:
    assert Ranks.of_environment(TORCHRUN) == Ranks(5, 8, 1, 2, may_restart=True)


@pytest.mark.parametrize("name", ["RANK", "WORLD_SIZE", "LOCAL_RANK"])
@pytest.mark.parametrize("value", ["-1", "x", ""])
def test_a_number_that_is_none_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is {value!r}.*allowed"):
        Ranks.of_environment({**TORCHRUN, name: value})


def test_a_rank_is_below_the_count() -> None:
    with pytest.raises(ConfigError, match="RANK is 8 and WORLD_SIZE 8; allowed"):
        Ranks.of_environment({**TORCHRUN, "RANK": "8"})


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_together_the_processes_have_each_thing_once(count: int) -> None:
    things = list(range(10))
    shares = [Ranks(rank, count).share(things) for rank in range(count)]
    assert sorted(thing for share in shares for thing in share) == things
    lengths = [len(share) for share in shares]
    assert max(lengths) - min(lengths) <= 1
