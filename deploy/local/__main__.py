"""The commands: up, test, manage, frontend, messages, locks. `python -m deploy.local help` lists
them.
"""

from __future__ import annotations

import os
import sys

from deploy.local import environment, frontend, locks, messages, testing, up
from deploy.local.paths import ROOT, CannotStart, socket_dir, state_dir

USAGE = """\
python -m deploy.local up                   start everything here and stay until Ctrl-C;
                                            --empty: without demo people and requests
python -m deploy.local test -- COMMAND ...  run a command on servers of its own
python -m deploy.local manage ARGS ...      run manage.py against what `up` started
python -m deploy.local frontend             fetch the browser packages into static/vendor/
python -m deploy.local messages             compile the translations
python -m deploy.local locks [--write]      check (or write anew) that lock files hold no address

Variables: PORT, BIND, STATE_DIR, SITE_URL. DATABASE_URL and REDIS_URL switch the embedded
servers off; PG_BIN and REDIS_SERVER_BIN choose other programs."""


def main(arguments: list[str]) -> int:
    verb, rest = (arguments[0] if arguments else "help"), arguments[1:]
    if verb == "up" and rest in ([], ["--empty"]):
        return up.Runner(with_demo=not rest).run()
    if verb == "test" and rest[:1] == ["--"] and rest[1:]:
        return testing.run(rest[1:])
    if verb == "manage":
        return manage(rest)
    if verb == "frontend" and not rest:
        print(
            "Copied to static/vendor/." if frontend.prepare() else "static/vendor/ is up to date."
        )
        return 0
    if verb == "messages" and not rest:
        print(f"{messages.compile_all()} translation files compiled.")
        return 0
    if verb == "locks":
        if rest == ["--write"]:
            locks.write()
        locks.check()
        return 0
    print(USAGE)
    return 0 if verb in {"help", "-h", "--help"} else 2


def manage(arguments: list[str]) -> int:
    """Become manage.py, with the variables `up` gives to its processes."""
    from deploy.local import root
    from deploy.local.postgres import DATABASE, USER, find_programs

    state = state_dir()
    database_url = os.environ.get("DATABASE_URL")
    if not database_url:
        sockets = root.arrange(find_programs(), state).sockets
        database_url = f"postgresql://{USER}@/{DATABASE}?host={sockets}"
    redis_url = os.environ.get("REDIS_URL") or f"unix://{socket_dir(state)}/valkey.sock"
    env = environment.application(state, database_url=database_url, redis_url=redis_url)
    env.setdefault("DEMO", "1")
    host, port = environment.address()
    env.setdefault("SITE_URL", environment.site_url(host, port))
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "manage.py", *arguments], env)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotStart as reason:
        sys.exit(f"\n{reason}")
