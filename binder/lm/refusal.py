"""refusal: what is said when a language model may cost no more."""

from __future__ import annotations

from binder.lm.base import Request, Usage
from binder.lm.budget import Excess, Price


def message(name: str, price: Price | None, request: Request, found: Excess, spent: Usage) -> str:
    """Say what was spent, which limit it is, what the next request is for, and how to go on.

    Args:
        name: The model.
        price: What its tokens cost.
        request: What was not sent, or was stopped.
        found: The limit.
        spent: What was spent.
    """
    dollars = f" (${price.of(spent):.4f})" if price else ""
    most = f"${found.most:g}" if found.limit == "dollars" else f"{found.most:,g} {found.limit}"
    return (
        f"the limit of {most} on {name} is reached: {spent.requests:,} requests and {spent.tokens:,} tokens"
        f"{dollars} were spent in {spent.seconds:.1f} s, and one more request ({_wanted_of(request)}) "
        f"would take {_wanted(found)}. "
        f"Raise {found.limit}={_option(found.limit)} and run again"
    )


def _wanted_of(request: Request) -> str:
    """What a request would have brought; more may be missing than that."""
    match request.purpose:
        case "map":
            return f"the values of {len(request.inputs)} input{'s' if len(request.inputs) != 1 else ''}"
        case "ans":
            return "an answer"
        case _:
            return f"{request.n} program{'s' if request.n != 1 else ''}"


def _wanted(found: Excess) -> str:
    """What the limit would have to be for a request to be sent."""
    match found.limit:
        case "dollars":
            return f"up to ${found.wanted:.4f} in all"
        case "seconds":
            return "longer"
        case _:
            return f"up to {found.wanted:,g} {found.limit} in all"


def _option(limit: str) -> str:
    """The option of the command line that sets a limit, for the limits that have one."""
    return f" (--max-{limit})" if limit in ("requests", "tokens") else ""
