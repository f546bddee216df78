"""A small IMAP and a small POP3 server with one account, and a ledger of what is in it.

Each knows what its standard says of the commands that a reader of bounces needs, and no more.
"""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

USER, PASSWORD = "bounces@example.org", "a pass/word"


class Account:
    """`inbox` has the mails by number, `folders` those that were moved. `broken` cannot be read."""

    def __init__(self, *mails: bytes, broken: tuple[int, ...] = ()) -> None:
        self.inbox = dict(enumerate(mails, 1))
        self.folders: dict[str, list[bytes]] = {}
        self.marked: set[int] = set()
        self.broken = broken
        self.asked: list[str] = []

    def expunge(self) -> None:
        for number in self.marked:
            self.inbox.pop(number, None)
        self.marked.clear()


class _Conversation(socketserver.StreamRequestHandler):
    account: Account
    greeting = b""

    def handle(self) -> None:
        self.wfile.write(self.greeting)
        while line := self.rfile.readline():
            text = line.decode().strip()
            self.account.asked.append(text)
            if not self.answer(text):
                return

    def answer(self, line: str) -> bool:
        raise NotImplementedError


class Imap(_Conversation):
    greeting = b"* OK ready\r\n"

    def answer(self, line: str) -> bool:
        tag, _, rest = line.partition(" ")
        command, _, argument = rest.removeprefix("UID ").partition(" ")
        said = getattr(self, f"on_{command.lower()}")(argument)
        self.wfile.write(f"{tag} {said}\r\n".encode())
        return command != "LOGOUT"

    def on_capability(self, _: str) -> str:
        self.wfile.write(b"* CAPABILITY IMAP4REV1\r\n")
        return "OK done"

    def on_login(self, argument: str) -> str:
        return "OK in" if argument == f'{USER} "{PASSWORD}"' else "NO wrong"

    def on_select(self, argument: str) -> str:
        if argument != '"INBOX"':
            return "NO no such folder"
        self.wfile.write(f"* {len(self.account.inbox)} EXISTS\r\n".encode())
        return "OK [READ-WRITE] done"

    def on_fetch(self, argument: str) -> str:
        name, _, what = argument.partition(" ")
        if what == "(UID)":
            last = int(name.partition(":")[2])
            for place, uid in enumerate([*self.account.inbox][:last], 1):
                self.wfile.write(f"* {place} FETCH (UID {uid})\r\n".encode())
            return "OK done"
        if int(name) in self.account.broken:
            return "NO cannot read this one"
        most = re.search(r"BODY\.PEEK\[\]<0\.(\d+)>", what)
        assert most is not None
        content = self.account.inbox[int(name)][: int(most[1])]
        head = f"* 1 FETCH (UID {name} BODY[]<0> {{{len(content)}}}\r\n".encode()
        self.wfile.write(head + content + b")\r\n")
        return "OK done"

    def on_store(self, argument: str) -> str:
        self.account.marked.add(int(argument.split()[0]))
        return "OK done"

    def on_create(self, argument: str) -> str:
        # Like servers that have all folders below INBOX.
        if not argument.startswith('"INBOX.'):
            return "NO not there"
        self.account.folders[argument.strip('"')] = []
        return "OK done"

    def on_copy(self, argument: str) -> str:
        name, _, folder = argument.partition(" ")
        if (place := folder.strip('"')) not in self.account.folders:
            return "NO [TRYCREATE] no such folder"
        self.account.folders[place].append(self.account.inbox[int(name)])
        return "OK done"

    def on_close(self, _: str) -> str:
        self.account.expunge()
        return "OK done"

    def on_logout(self, _: str) -> str:
        self.wfile.write(b"* BYE\r\n")
        return "OK done"


class Pop3(_Conversation):
    greeting = b"+OK ready\r\n"

    def answer(self, line: str) -> bool:
        command, _, argument = line.partition(" ")
        self.wfile.write(getattr(self, f"on_{command.lower()}")(argument))
        return command != "QUIT"

    def on_user(self, argument: str) -> bytes:
        return b"+OK\r\n" if argument == USER else b"-ERR\r\n"

    def on_pass(self, argument: str) -> bytes:
        return b"+OK\r\n" if argument == PASSWORD else b"-ERR\r\n"

    def on_list(self, _: str) -> bytes:
        lines = "".join(f"{n} {len(mail)}\r\n" for n, mail in self.account.inbox.items())
        return f"+OK\r\n{lines}.\r\n".encode()

    def on_retr(self, argument: str) -> bytes:
        if int(argument) in self.account.broken:
            return b"-ERR cannot read this one\r\n"
        content = self.account.inbox[int(argument)].replace(b"\r\n.", b"\r\n..")
        return b"+OK\r\n" + content + b"\r\n.\r\n"

    def on_top(self, argument: str) -> bytes:
        number, lines = map(int, argument.split())
        shown = b"\r\n".join(self.account.inbox[number].split(b"\r\n")[: lines + 20])
        return b"+OK\r\n" + shown + b"\r\n.\r\n"

    def on_dele(self, argument: str) -> bytes:
        self.account.marked.add(int(argument))
        return b"+OK\r\n"

    def on_quit(self, _: str) -> bytes:
        self.account.expunge()
        return b"+OK\r\n"


@contextmanager
def serving(kind: type[_Conversation], account: Account) -> Iterator[str]:
    """Serve the account on a free port. Yields its URL, as MAIL_BOUNCES_MAILBOX has it."""
    own: Any = type(kind.__name__, (kind,), {"account": account})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), own) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        port = server.server_address[1]
        yield f"{kind.__name__.lower()}://bounces%40example.org:a%20pass%2Fword@127.0.0.1:{port}"
        server.shutdown()
