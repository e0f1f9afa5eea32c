"""Secrets: by name, changed while traffic runs, never shown."""

import contextlib
import json
import os
import ssl
import threading
import urllib.request

import certificates
from certificates import downstream, trusting
from tls_tools import TlsClient, client_context, get, serve, stat, with_admin
from weir_process import wait_for


def subject_seen(place, ca=None):
    context = client_context(ca)
    with contextlib.closing(TlsClient(place.port, context)) as client:
        der = client.sock.getpeercert(binary_form=True)
        assert client.ask().status == 200
    return certificates.openssl("x509", "-noout", "-subject", text=ssl.DER_cert_to_PEM_cert(der))


def test_secrets_have_names(place, ca):
    pair = ca.sign("leaf")
    config = downstream()
    config["typed_config"]["common_tls_context"] = {
        "tls_certificate_sds_secret_configs": [{"name": "pair"}]}
    serve(place, config, place.server(),
          resources={"secrets": [{"name": "pair", "tls_certificate": pair.shown()}]})
    assert "CN = leaf" in subject_seen(place)


def replace_files(live, pair):
    """A moved directory: each file is replaced at once, the key first."""
    for source, to in ((pair.key, live.key), (pair.crt, live.crt)):
        new = to.with_suffix(".new")
        new.write_bytes(source.read_bytes())
        os.rename(new, to)


def test_rotation_drops_nothing(place, ca):
    """Files change under load: open connections go on, new ones see the new certificate."""
    live = ca.sign("first")
    weir = serve(place, downstream(live), place.server())
    old = TlsClient(place.port, client_context(ca))
    assert old.ask().status == 200
    failures, stop = [], threading.Event()

    def load():
        while not stop.is_set():
            try:
                assert get(place.port, client_context(ca)).status == 200
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(5):
        replace_files(live, ca.sign(f"next{number}"))
        wait_for(lambda name=f"next{number}": name in subject_seen(place, ca),
                 "the new certificate is shown")
        assert old.ask().status == 200
    stop.set()
    for thread in threads:
        thread.join()
    old.close()
    assert not failures
    assert "new certificates are in use" in weir.output()


def test_a_link_that_is_swapped_is_seen(place, ca):
    """As Kubernetes does it: files are links into ..data, which is a link that is replaced."""
    mount = place.directory / "mount"
    mount.mkdir()
    live = certificates.Pair(mount, "tls")

    def publish(number):
        version = mount / f"..version{number}"
        version.mkdir()
        pair = ca.sign(f"v{number}")
        (version / "tls.crt").write_bytes(pair.crt.read_bytes())
        (version / "tls.key").write_bytes(pair.key.read_bytes())
        (mount / "..data_tmp").symlink_to(version.name)
        os.rename(mount / "..data_tmp", mount / "..data")

    publish(1)
    for name in ("tls.crt", "tls.key"):
        (mount / name).symlink_to(f"..data/{name}")
    serve(place, downstream(live), place.server())
    assert "CN = v1" in subject_seen(place)
    publish(2)
    wait_for(lambda: "CN = v2" in subject_seen(place), "the second version is shown")


def test_a_pair_that_does_not_match_changes_nothing(place, ca):
    admin = with_admin(place)
    live = ca.sign("first")
    weir = serve(place, downstream(live), place.server(), more=admin)
    other = ca.sign("other")
    live.crt.write_bytes(other.crt.read_bytes())
    wait_for(lambda: "does not belong to the certificate" in weir.output(), "it is said")
    assert "CN = first" in subject_seen(place)
    assert stat(place, "ssl.key_rotation_failed") >= 1
    live.key.write_bytes(other.key.read_bytes())
    wait_for(lambda: "CN = other" in subject_seen(place), "the pair is whole")


def test_certs_are_shown_without_keys(place, ca):
    admin = with_admin(place)
    pair = ca.sign("leaf", "DNS:localhost,URI:spiffe://test/leaf", days=20)
    inline = downstream()
    inline["typed_config"]["common_tls_context"] = {"tls_certificates": [{
        "certificate_chain": {"inline_string": pair.crt.read_text()},
        "private_key": {"inline_string": pair.key.read_text()}}],
        "validation_context": trusting(ca)}
    weir = serve(place, inline, place.server(), more=admin)
    base = f"http://127.0.0.1:{place.admin_port}"
    with urllib.request.urlopen(base + "/certs") as page:
        seen = json.load(page)["certificates"][0]
    assert seen["ca_cert"][0]["path"] == str(ca.crt)
    assert seen["cert_chain"][0]["path"] == "<inline>"
    assert seen["cert_chain"][0]["days_until_expiration"] in ("19", "20")
    assert {"dns": "localhost"} in seen["cert_chain"][0]["subject_alt_names"]
    assert stat(place, "server.days_until_first_cert_expiring") in (19, 20)
    key = pair.key.read_text().splitlines()[1]
    with urllib.request.urlopen(base + "/config_dump") as page:
        assert key not in page.read().decode()
    assert key not in weir.output()


def test_what_is_wrong_is_said_without_keys(place, ca):
    pair, other = ca.sign("leaf"), ca.sign("other")
    wrong = downstream()
    wrong["typed_config"]["common_tls_context"] = {"tls_certificates": [{
        "certificate_chain": {"inline_string": pair.crt.read_text()},
        "private_key": {"inline_string": other.key.read_text()}}]}
    weir = serve(place, wrong, place.server(), ready=False)
    assert weir.wait() == 1
    said = weir.output()
    assert "tls_certificates[0].private_key: the key does not belong to the certificate" in said
    assert other.key.read_text().splitlines()[1] not in said
