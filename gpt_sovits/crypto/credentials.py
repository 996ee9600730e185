"""Content credentials (C2PA): a signed statement inside a sound file that a machine spoke it, where this is wanted.

The key and its certificate are made here and known to nobody, so other programs show the statement as unbroken and its
signer as unknown. The library (``c2pa``, 16 MB) is installed by whoever asks for it; it opens no connection.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gpt_sovits import __version__
from gpt_sovits.encoding import format_of, inspect
from gpt_sovits.errors import InputError, MissingError, RefusedError
from gpt_sovits.files import exclusive, make_private, unfinished, write_bytes
from gpt_sovits.labels import PROGRAM

FILE = "content_credentials.pem"
_KINDS = ("wav", "mp3", "m4a", "m4b", "flac")  # opus and aac have no place for it
_SPOKEN = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_CLOSED = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_YEARS = 30


def sign_file(path: Path, folder: Path) -> None:
    """Write the statement into a file that was spoken here, whole or not at all; ``folder`` keeps the key.

    ``InputError`` for other formats, ``RefusedError`` for a file that does not say that it was spoken here,
    ``MissingError`` without the library.
    """
    kind = _kind(path)
    said = inspect(path)
    if not said.own:
        raise RefusedError(f"{path.name} does not say that it was spoken here.", "Sign what this program has spoken.")
    key, chain = _identity(folder)
    actions = [{"action": "c2pa.created", "digitalSourceType": _SPOKEN, "softwareAgent": {"name": PROGRAM}}]
    statement = {
        "claim_generator_info": [{"name": PROGRAM, "version": __version__}],
        "title": path.name,
        "format": kind,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {"label": "io.github.gpt-sovits.label", "data": dict(said.own)},
        ],
    }
    growing = unfinished(path)
    with _library(path) as (c2pa, context):
        try:
            info = c2pa.C2paSignerInfo(alg=b"es256", sign_cert=chain, private_key=key, ta_url=None)
            with (
                c2pa.Signer.from_info(info) as signer,
                c2pa.Builder(json.dumps(statement), context) as builder,
                path.open("rb") as source,
                growing.open("w+b") as target,
            ):
                builder.sign(signer, kind, source, target)
            growing.replace(path)
        finally:
            growing.unlink(missing_ok=True)


def credentials(path: Path) -> dict[str, Any]:
    """What a file's statement says: ``state``, ``signer``, and ``spoken``: whether by a machine.

    ``state``: Valid, Trusted, Invalid or, where it is damaged or lies elsewhere, Unreadable. Empty without a statement,
    for other formats, and where the library is not installed.
    """
    if path.suffix.lower().lstrip(".") not in _KINDS or find_spec("c2pa") is None:
        return {}
    with _library(path) as (c2pa, context):
        try:
            with path.open("rb") as file, c2pa.Reader(_kind(path), file, context=context) as reader:
                found = json.loads(reader.json())
        except c2pa.C2paError.ManifestNotFound:
            return {}
        except c2pa.C2paError:  # it lies elsewhere, where nobody looks, or is damaged
            return {"state": "Unreadable", "signer": "", "spoken": False}
    statement = found.get("manifests", {}).get(found.get("active_manifest"), {})
    signer = statement.get("signature_info", {})
    return {
        "state": found.get("validation_state", ""),
        "signer": signer.get("common_name") or signer.get("issuer", ""),
        "spoken": _SPOKEN in json.dumps(statement.get("assertions", [])),
    }


def _kind(path: Path) -> str:
    """The library's name of a file's format."""
    name = path.suffix.lower().lstrip(".")
    if name not in _KINDS:
        raise InputError(f"{path.name} has no place for content credentials.", f"Use one of: {', '.join(_KINDS)}.")
    return format_of("m4a" if name == "m4b" else name).media_type


@contextmanager
def _library(path: Path) -> Iterator[tuple[Any, Any]]:
    if find_spec("c2pa") is None:
        raise MissingError("Content credentials need a package.", "Install it: pip install c2pa-python==0.38.1")
    import c2pa

    try:
        with c2pa.Context.from_dict(_CLOSED) as context:
            yield c2pa, context
    except c2pa.C2paError as error:
        raise InputError(f"The content credentials of {path.name} cannot be used.", str(error)[:200]) from error


def _identity(folder: Path) -> tuple[bytes, bytes]:
    """Key and certificates in PEM, made when they are first needed."""
    path, mark = folder / FILE, b"-----BEGIN CERTIFICATE-----"
    if not path.is_file():
        make_private(folder)
        with exclusive(folder / f".{FILE}.lock", wait=30.0, busy="Another program is making your keys."):
            if not path.is_file():
                write_bytes(path, _made())
    key, begin, chain = path.read_bytes().partition(mark)
    return key, begin + chain


def _made() -> bytes:
    """A key and its certificate, signed by a root whose own key is forgotten: nothing else can be signed by it."""
    root, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    made = [_certificate(own, "this computer", root), _certificate(root, "root", root)]
    key = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in made)


def _certificate(of: ec.EllipticCurvePrivateKey, name: str, by: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    is_root, now = of is by, datetime.datetime.now(datetime.UTC)
    uses = {"digital_signature": not is_root, "key_cert_sign": is_root, "crl_sign": is_root}
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    usage = x509.KeyUsage(**uses, **dict.fromkeys((*others, "encipher_only", "decipher_only"), False))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named("root"))
        .public_key(of.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(of.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if not is_root:
        mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])  # what C2PA asks of a signer
        certificate = certificate.add_extension(mail, critical=False)
    return certificate.sign(by, hashes.SHA256())


def _named(name: str) -> x509.Name:
    words = [(NameOID.COMMON_NAME, f"{PROGRAM}, {name}"), (NameOID.ORGANIZATION_NAME, PROGRAM)]
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in words])
