"""Identities of NATS users: nkeys, account credentials and certificates, made
only with openssl (Debian has no packages of nsc and nk)."""

import base64
import json
import os
import subprocess

PREFIX = {"user": 20 << 3, "account": 0, "operator": 14 << 3}
SEED = 18 << 3


def openssl(*words, data=b""):
    return subprocess.run(["openssl", *words], input=data, check=True,
                          capture_output=True, timeout=60).stdout


def crc16(data):
    """CRC-16/XMODEM, as used in nkeys."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
            crc &= 0xffff
    return crc


def text_of(data):
    data += crc16(data).to_bytes(2, "little")
    return base64.b32encode(data).rstrip(b"=").decode()


class Key:
    """An Ed25519 key; `seed` and `public` are in NATS's text form."""

    def __init__(self, folder, kind, name):
        self.path = os.path.join(folder, f"{name}.pem")
        openssl("genpkey", "-algorithm", "ED25519", "-out", self.path)
        secret = openssl("pkey", "-in", self.path, "-outform", "DER")[-32:]
        public = openssl("pkey", "-in", self.path, "-pubout", "-outform",
                         "DER")[-32:]
        prefix = PREFIX[kind]
        self.public = text_of(bytes([prefix]) + public)
        self.seed = text_of(bytes([SEED | prefix >> 5,
                                   (prefix & 31) << 3]) + secret)
        self.seed_file = os.path.join(folder, f"{name}.nk")
        with open(self.seed_file, "w") as file:
            file.write(self.seed + "\n")

    def sign(self, data):
        path = self.path + ".data"
        with open(path, "wb") as file:
            file.write(data)
        return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path,
                       "-in", path)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def jwt(issuer, subject, name, nats):
    head = {"typ": "JWT", "alg": "ed25519-nkey"}
    body = {"jti": name, "iat": 1700000000, "iss": issuer.public, "name": name,
            "sub": subject.public, "nats": nats}
    text = b".".join(base64url(json.dumps(part).encode())
                     for part in (head, body))
    return (text + b"." + base64url(issuer.sign(text))).decode()


NO_LIMITS = {"subs": -1, "conn": -1, "leaf": -1, "imports": -1, "exports": -1,
             "data": -1, "payload": -1, "wildcards": True}


def operator(folder):
    """Returns the configuration of a server with one account that is signed by
    an operator, and the credentials of a user of that account."""
    boss, account, user = (Key(folder, kind, kind)
                           for kind in ("operator", "account", "user"))
    root = jwt(boss, boss, "tests", {"type": "operator", "version": 2})
    tenant = jwt(boss, account, "tenant",
                 {"type": "account", "version": 2, "limits": NO_LIMITS})
    member = jwt(account, user, "member",
                 {"type": "user", "version": 2, "subs": -1, "data": -1,
                  "payload": -1})
    creds = os.path.join(folder, "member.creds")
    with open(creds, "w") as file:
        file.write(f"-----BEGIN NATS USER JWT-----\n{member}\n"
                   "------END NATS USER JWT------\n\n"
                   f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n"
                   "------END USER NKEY SEED------\n")
    conf = (f"operator: {root}\nresolver: MEMORY\n"
            f"resolver_preload: {{ {account.public}: {tenant} }}\n")
    return conf, creds


class Authority:
    """Signs certificates for names and addresses."""

    def __init__(self, folder):
        self.folder = folder
        self.file = os.path.join(folder, "ca.pem")
        self.key = os.path.join(folder, "ca.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                "-out", self.file, "-days", "2", "-subj", "/CN=tests")

    def certificate(self, name, names):
        """Makes a certificate. Returns the file of the certificate and that of
        its key; the first one contains both."""
        key, path = (os.path.join(self.folder, name + end)
                     for end in (".key", ".pem"))
        request = openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
                          "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                          "-subj", f"/CN={name}", "-addext",
                          f"subjectAltName={names}")
        text = openssl("x509", "-req", "-CA", self.file, "-CAkey", self.key,
                       "-days", "2", "-copy_extensions", "copy", data=request)
        with open(key, "rb") as file, open(path, "wb") as out:
            out.write(text + file.read())
        os.chmod(path, 0o600)
        return path, key
