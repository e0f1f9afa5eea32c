"""Authorities and certificates for tests, made by openssl when a test asks for them."""

import pathlib
import subprocess

TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."


def openssl(*arguments, text=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=text, capture_output=True,
                          text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Pair:
    """A certificate and its key, in two files."""

    def __init__(self, directory, name):
        self.name = name
        self.crt = pathlib.Path(directory) / f"{name}.crt"
        self.key = pathlib.Path(directory) / f"{name}.key"

    def shown(self):
        """An element of tls_certificates."""
        return {"certificate_chain": {"filename": str(self.crt)},
                "private_key": {"filename": str(self.key)}}

    def fingerprint(self):
        said = openssl("x509", "-in", self.crt, "-noout", "-fingerprint", "-sha256")
        return said.split("=")[1].strip().replace(":", "").lower()


class Authority(Pair):
    """Signs what a test needs."""

    def __init__(self, directory, name="ca"):
        super().__init__(directory, name)
        self.directory = pathlib.Path(directory)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.key, "-out", self.crt, "-days", "30", "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:TRUE")

    def sign(self, name, names="DNS:localhost,IP:127.0.0.1", days=30, rsa=False, subject=None):
        """A pair for `names`; negative `days`: it has expired."""
        pair = Pair(self.directory, name)
        kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        request = self.directory / f"{name}.csr"
        openssl("req", "-newkey", *kind, "-nodes", "-keyout", pair.key, "-out", request, "-subj",
                subject or f"/CN={name}")
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n" if names else "")
        # `x509 -days` takes no negative number, `ca` takes dates; not before two years ago.
        dates = ["-days", days] if days > 0 else [
            "-not_before", "20200101000000Z", "-not_after", "20210101000000Z"]
        if days > 0:
            openssl("x509", "-req", "-in", request, "-CA", self.crt, "-CAkey", self.key,
                    "-CAcreateserial", "-out", pair.crt, *dates, "-extfile", extensions)
        else:
            self._sign_expired(request, pair, extensions)
        return pair

    def _sign_expired(self, request, pair, extensions):
        home = self.directory / f"{pair.name}.ca"
        home.mkdir()
        (home / "index.txt").touch()
        (home / "serial").write_text("1000\n")
        config = home / "ca.cnf"
        config.write_text("[ca]\ndefault_ca=c\n[c]\n"
                          f"database={home}/index.txt\nserial={home}/serial\n"
                          f"new_certs_dir={home}\ndefault_md=sha256\npolicy=p\n"
                          "[p]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-config", config, "-cert", self.crt, "-keyfile", self.key, "-in",
                request, "-out", pair.crt, "-startdate", "20200101000000Z", "-enddate",
                "20210101000000Z", "-notext", "-extfile", extensions)


def downstream(*pairs, common=None, **fields):
    """The transport socket of a filter chain."""
    return {"name": "tls", "typed_config": {
        "@type": TYPE + "DownstreamTlsContext",
        "common_tls_context": {"tls_certificates": [pair.shown() for pair in pairs],
                               **(common or {})}, **fields}}


def upstream(authority=None, common=None, **fields):
    """The transport socket of a cluster."""
    context = dict(common or {})
    if authority:
        context.setdefault("validation_context", trusting(authority))
    return {"name": "tls", "typed_config": {
        "@type": TYPE + "UpstreamTlsContext", "common_tls_context": context, **fields}}


def trusting(authority, **fields):
    return {"trusted_ca": {"filename": str(authority.crt)}, **fields}
