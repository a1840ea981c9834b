"""Look up every installed package in the OSV database of known vulnerabilities; what `make audit` runs.

Exit codes: 0 when nothing is found that isn't accepted, or the database can't be reached (with `--strict` that is 2);
1 for a vulnerability, or an acceptance that is incomplete or past its date.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

import requests
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pip_audit._service import ConnectionError as Unreachable
from pip_audit._service import OsvService, ResolvedDependency, ServiceError, VulnerabilityResult

_ACCEPTED = Path(__file__).with_name("accepted-advisories.toml")
_TIMEOUT = 15  # seconds
_NOT_AUDITED = {
    "botchat-sessions",
    "botchat",  # its name before; still there in a virtual environment made then
    "pip",  # this and the next come with the virtual environment, and in the version that Python has
    "setuptools",
}
_REFUSED = {403, 407, 429}  # by a proxy, or for too many requests
_SERVER_ERROR = 500


class Found(NamedTuple):
    """A vulnerability of an installed package."""

    package: ResolvedDependency
    vulnerability: VulnerabilityResult


def main() -> int:
    """Audit; return the exit code."""
    options = _options()
    try:
        accepted = accepted_in(options.accepted, datetime.now(UTC).date())
    except ValueError as error:
        print(f"{options.accepted}: {error}")
        return 1
    found: list[Found] = []
    unreachable = ""
    packages = list(installed())
    try:
        for package in packages:
            found += [Found(package, each) for each in OsvService(None, _TIMEOUT, options.osv_url).query(package)[1]]
    except (ServiceError, requests.RequestException) as error:
        if not is_unreachable(error):
            raise
        unreachable = f"Not audited: {options.osv_url} can't be reached ({_reason(error)})."
    left = [each for each in found if not each.vulnerability.has_any_id(set(accepted))]
    _tell(found, accepted)
    if unreachable:
        print(unreachable)
    else:
        print(f"Audited {len(packages)} packages: {len(left)} vulnerabilities, {len(found) - len(left)} accepted.")
    return 1 if left else 2 if unreachable and options.strict else 0


def accepted_in(path: Path, today: date) -> dict[str, str]:
    """Read the reasons of the accepted advisories, by id.

    Raises:
        ValueError: an entry lacks its id, reason or date, or is past its date; or the file isn't TOML.
    """
    accepted: dict[str, str] = {}
    document = tomllib.loads(path.read_text("utf-8"))
    entries = document.pop("accepted", [])
    if document or not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise ValueError("Only [[accepted]] tables can be in it.")
    for entry in entries:
        advisory, reason, until = entry.get("id"), entry.get("reason"), entry.get("until")
        if not isinstance(advisory, str) or not advisory.strip():
            raise ValueError("An entry has no id.")
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"{advisory} has no reason. Say why it does no harm here.")
        if not isinstance(until, date) or isinstance(until, datetime):
            raise ValueError(f"{advisory} has no date. Set until = YYYY-MM-DD, without quotes.")  # noqa: TRY004
        if until < today:
            raise ValueError(f"{advisory} was accepted until {until}. Update the package, or renew the entry.")
        accepted[advisory] = reason
    return accepted


def installed() -> Iterator[ResolvedDependency]:
    """Give the packages of this environment.

    Raises:
        ValueError: a version can't be looked up.
    """
    names = {canonicalize_name(each.metadata["Name"]): each.version for each in distributions()}
    for name, version in sorted(names.items()):
        if name not in _NOT_AUDITED:
            try:
                yield ResolvedDependency(name, Version(version))
            except InvalidVersion as error:
                raise ValueError(f"{name} has the version {version}, which can't be looked up.") from error


def is_unreachable(error: Exception) -> bool:
    """Tell whether the database gave no answer: no connection, a refusing proxy, or a failure of its own."""
    if isinstance(error, Unreachable | requests.ConnectionError | requests.Timeout):
        return True
    response = getattr(error.__cause__, "response", None)
    return response is not None and (response.status_code in _REFUSED or response.status_code >= _SERVER_ERROR)


def _reason(error: Exception) -> str:
    response = getattr(error.__cause__, "response", None)
    return type(error).__name__ if response is None else f"HTTP {response.status_code}"


def _tell(found: list[Found], accepted: dict[str, str]) -> None:
    for package, vulnerability in found:
        ids = {vulnerability.id, *vulnerability.aliases}
        reasons = [accepted[each] for each in sorted(ids & set(accepted))]
        fixed = ", ".join(map(str, vulnerability.fix_versions)) or "no version"
        what = f"Accepted ({reasons[0]})" if reasons else "VULNERABLE"
        print(f"{what}: {package.name} {package.version}, {', '.join(sorted(ids))}, fixed in {fixed}.")
        if not reasons:
            print(f"  {vulnerability.description}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Look up the installed packages in a database of vulnerabilities.")
    parser.add_argument("--osv-url", default=OsvService.DEFAULT_OSV_URL, help="the database's query address")
    parser.add_argument("--accepted", type=Path, default=_ACCEPTED, help="the file of accepted advisories")
    parser.add_argument("--strict", action="store_true", help="fail, with 2, if the database can't be reached")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
