"""scripts/install-ngspice: the source it writes, the verdict on an ngspice, and the way it takes.

No real apt is called: every command that could change the machine is a stand-in on PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "install-ngspice"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEBIAN = "ID=debian\nVERSION_CODENAME=bookworm\n"
WANTED = (
    "Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm-backports\nComponents: main\n"
    f"Signed-By: {KEYRING}\n"
)

DEB822 = f"""\
# made by the image
Types: deb
# a comment inside
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: {KEYRING}

Types: deb
URIs: http://mirror.invalid/debian-security
Suites: bookworm-security
Components: main
Signed-By: {KEYRING}
"""
ONE_LINE = f"""\
# deb cdrom:[Debian]/ bookworm main
deb cdrom:[Debian]/ bookworm main
deb-src http://source.invalid/debian bookworm main
deb http://mirror.invalid/debian-security bookworm-security main
deb [signed-by={KEYRING}] http://mirror.invalid/debian bookworm main # the base
deb http://mirror.invalid/debian bookworm-updates main
"""
THIRD_PARTY = """\
Types: deb
URIs: http://third.invalid/debian
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/third.gpg
"""

NGSPICE_OLD = "#!/bin/sh\necho 'osdi: no such command available in ngspice' >&2\n"
NGSPICE_NO_KLU = "#!/bin/sh\necho 'Error opening osdi lib \"./absent.osdi\"' >&2\n"
NGSPICE_GOOD = NGSPICE_NO_KLU + "echo 'Using KLU as Direct Linear Solver'\n"


class Machine:
    """A pretended machine: /etc/os-release, apt's folders, and a PATH on which stand-ins come first."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.parts = root / "apt" / "sources.list.d"
        self.ours = self.parts / "spicemem-backports.sources"
        self.bin.mkdir()
        self.parts.mkdir(parents=True)
        self.os_release(DEBIAN)

    def os_release(self, text: str) -> None:
        (self.root / "os-release").write_text(text)

    def command(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def source(self, name: str, text: str) -> Path:
        path = self.parts / name
        path.write_text(text)
        return path

    def apt(self, candidate: str, plain: str | None, backports: str | None) -> None:
        """Stand-ins for apt: the ngspice that each suite installs, or None where it has none."""
        cases = ""
        for pattern, text in (("*-backports*", backports), ("*", plain)):
            if text is None:
                cases += f"{pattern}) exit 100;;\n"
            else:
                path = self.root / f"ngspice{len(cases)}"
                path.write_text(text)
                cases += f'{pattern}) cp "{path}" "{self.bin}/ngspice"; chmod +x "{self.bin}/ngspice";;\n'
        log = f'echo "$@" >>"{self.root}/apt.log"\n'
        install = f'case "$*" in\n*install*) case "$*" in\n{cases}esac;;\nesac\n'
        self.command("apt-get", "#!/bin/sh\n" + log + install)
        self.command("apt-cache", f"#!/bin/sh\necho '  Candidate: {candidate}'\n")
        newer = f"import sys; sys.exit({float(candidate)} < float(sys.argv[4]))"
        self.command("dpkg", f'#!/bin/sh\npython3 -c "{newer}" "$@"\n')
        apt = self.parts.parent
        self.command("apt-config", f"#!/bin/sh\necho \"list='{apt}/sources.list' parts='{self.parts}/'\"\n")
        self.command("sudo", '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n')

    def run(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        for guarded in ("apt-get", "sudo"):  # never the real ones
            if not (self.bin / guarded).exists():
                self.command(guarded, "#!/bin/sh\nexit 99\n")
        env = {"PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin", "OS_RELEASE": str(self.root / "os-release")}
        command = ["bash", str(SCRIPT), *map(str, args)]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

    def log(self) -> str:
        return (self.root / "apt.log").read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    if not shutil.which("bash") or not shutil.which("awk"):
        pytest.skip("needs bash and awk")
    return Machine(tmp_path)


# The source


@pytest.mark.parametrize(("name", "text"), [("debian.sources", DEB822), ("debian.list", ONE_LINE)])
def test_both_formats_give_the_same_source(machine: Machine, name: str, text: str) -> None:
    done = machine.run("--print-source", machine.source(name, text))
    assert (done.returncode, done.stdout) == (0, WANTED), done.stderr


@pytest.mark.parametrize("order", [1, -1])
def test_a_third_party_is_passed_over(machine: Machine, order: int) -> None:
    files = [machine.source("a.sources", THIRD_PARTY), machine.source("b.list", ONE_LINE)]
    assert machine.run("--print-source", *files[::order]).stdout == WANTED


def test_without_a_key_the_entry_with_updates_wins(machine: Machine) -> None:
    text = "deb http://third.invalid/x bookworm main\ndeb http://m.invalid/debian bookworm main contrib\n"
    text += "deb http://m.invalid/debian bookworm-updates main\n"
    done = machine.run("--print-source", machine.source("a.list", text))
    expected = "Types: deb\nURIs: http://m.invalid/debian\nSuites: bookworm-backports\nComponents: main contrib\n"
    assert done.stdout == expected


def test_options_and_folded_fields_are_kept(machine: Machine) -> None:
    text = (
        "Types: deb deb-src\nURIs: http://m.invalid/debian\nSuites:\n bookworm\n bookworm-updates\nComponents: main\n"
        "Check-Valid-Until: no\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"
    )
    out = machine.run("--print-source", machine.source("a.sources", text)).stdout
    assert out == text.replace(" deb-src", "").replace("\n bookworm\n bookworm-updates", " bookworm-backports")

    line = "deb [arch=amd64,arm64 check-valid-until=no] mirror+file:/etc/mirrors bookworm main\n"
    out = machine.run("--print-source", machine.source("b.list", line)).stdout
    assert "URIs: mirror+file:/etc/mirrors\n" in out
    assert "Architectures: amd64 arm64\n" in out
    assert "check-valid-until: no\n" in out


@pytest.mark.parametrize(
    "text",
    [
        THIRD_PARTY,
        DEB822.replace("Types: deb", "Enabled: no\nTypes: deb"),
        DEB822.replace("Types: deb", "Types: deb-src"),
        DEB822.replace("bookworm", "trixie"),
        DEB822.replace("Components: main", "Components: contrib"),
        "",
    ],
    ids=["third party", "disabled", "sources only", "other release", "no main", "empty"],
)
def test_no_base_entry_is_said_loudly(machine: Machine, text: str) -> None:
    done = machine.run("--print-source", machine.source("a.sources", text))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no source of the base distribution" in done.stderr


# The verdict


def test_a_capable_ngspice_is_left_alone(machine: Machine) -> None:
    machine.command("ngspice", NGSPICE_GOOD)
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [(NGSPICE_OLD, ["KLU", "OSDI"]), (NGSPICE_NO_KLU, ["KLU"]), ("#!/bin/sh\nexit 139\n", ["KLU", "OSDI"])],
)
def test_an_incapable_ngspice_is_named(machine: Machine, text: str, words: list[str]) -> None:
    machine.command("ngspice", text)
    done = machine.run("--probe")
    assert done.returncode == 1
    assert [word for word in ("KLU", "OSDI") if word in done.stderr] == words


# The way


def test_debian_12_takes_it_from_backports(machine: Machine) -> None:
    machine.command("ngspice", NGSPICE_OLD)
    machine.apt("39.3", plain=NGSPICE_OLD, backports=NGSPICE_GOOD)
    machine.source("debian.sources", DEB822)
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert [line for line in machine.ours.read_text().splitlines() if line[0] != "#"] == WANTED.splitlines()
    assert "-t bookworm-backports ngspice libngspice0" in machine.log()
    again = machine.run()
    assert "nothing to do" in again.stdout


def test_a_newer_debian_needs_no_backports(machine: Machine) -> None:
    machine.command("ngspice", NGSPICE_OLD)
    machine.apt("44.2", plain=NGSPICE_GOOD, backports=None)
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert "backports" not in machine.log()
    assert not machine.ours.exists()


def test_a_failed_installation_leaves_no_source_behind(machine: Machine) -> None:
    machine.command("ngspice", NGSPICE_OLD)
    machine.apt("39.3", plain=NGSPICE_OLD, backports=None)
    machine.source("debian.sources", DEB822)
    done = machine.run()
    assert done.returncode == 1
    assert "Install an ngspice" in done.stderr
    assert not machine.ours.exists()


def test_an_installation_that_does_not_help_fails(machine: Machine) -> None:
    machine.command("ngspice", NGSPICE_OLD)
    machine.apt("39.3", plain=NGSPICE_OLD, backports=NGSPICE_NO_KLU)
    machine.source("debian.sources", DEB822)
    done = machine.run()
    assert done.returncode == 1
    assert "has no KLU solver" in done.stderr


def test_an_old_ubuntu_is_told_what_to_install(machine: Machine) -> None:
    machine.command("ngspice", NGSPICE_OLD)
    machine.os_release("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=jammy\n")
    machine.apt("36.0", plain=NGSPICE_OLD, backports=None)
    done = machine.run()
    assert done.returncode == 1
    assert "Install an ngspice" in done.stderr


# The repository


def test_no_file_names_a_mirror() -> None:
    """The mirror is the machine's business: no file names a distribution's host, nor one that this machine uses."""
    banned = [r"[\w-]+\.(debian|ubuntu)\.(org|com|net)\b"]
    for source in [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]:
        if source.is_file():
            hosts = re.findall(r"^[^#\n]*?\w://([^/\s:]+)", source.read_text(errors="replace"), re.MULTILINE)
            banned += [re.escape(host) for host in hosts if "." in host]
    pattern = re.compile("|".join(banned))
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".ci" or name[0] not in "._"]  # no environments, no caches
        for path in (Path(folder, name) for name in names):
            content = path.read_bytes()
            if b"\0" not in content and (hit := pattern.search(content.decode(errors="replace"))):
                found.append(f"{path.relative_to(ROOT)}: {hit.group()}")
    assert not found
    assert "://" not in SCRIPT.read_text()
