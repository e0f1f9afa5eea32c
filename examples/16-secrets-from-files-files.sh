#!/bin/sh
# Writes what examples/16-secrets-from-files.yaml reads into the directory that is named: an
# authority, a server's certificate, and the file that names it. Only for trying out.
set -eu
mkdir -p "$1"
cd "$1"
dir=$(pwd)
curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
# shellcheck disable=SC2086  # several words on purpose
openssl req -x509 $curve -keyout ca.key -out ca.crt -days 30 -subj '/CN=example authority' 2>/dev/null
# shellcheck disable=SC2086
openssl req $curve -keyout server.key -out server.csr -subj '/CN=server' 2>/dev/null
echo 'subjectAltName=DNS:localhost,IP:127.0.0.1' >server.ext
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 30 \
  -extfile server.ext 2>/dev/null
cat >secrets.yaml <<EOF
resources:
- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: server
  tls_certificate:
    certificate_chain: {filename: $dir/server.crt}
    private_key: {filename: $dir/server.key}
EOF
