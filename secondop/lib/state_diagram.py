"""Draw a status table as a Mermaid diagram; the tests compare it with each app's README."""

from secondop.lib.transitions import StatusModel


def mermaid(model: type[StatusModel]) -> str:
    """Return the `stateDiagram-v2` text of `model.TRANSITIONS`, first status first."""
    arrows = [
        f"    {old} --> {new}" for old, news in model.TRANSITIONS.items() for new in sorted(news)
    ]
    start = next(iter(model.TRANSITIONS))
    return "\n".join(["stateDiagram-v2", f"    [*] --> {start}", *arrows]) + "\n"
