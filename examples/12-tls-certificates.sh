#!/bin/sh
# Makes what 12-tls.yaml needs in a directory: an authority, a server's certificate, a client's.
# Only for trying out: nobody should trust them.
set -eu
dir=${1:-/tmp/tls-example}
mkdir -p "$dir"
cd "$dir"
curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
# shellcheck disable=SC2086  # several words on purpose
openssl req -x509 $curve -keyout ca.key -out ca.crt -days 30 -subj '/CN=example authority' 2> /dev/null
sign() {  # name, subjectAltName
  # shellcheck disable=SC2086
  openssl req $curve -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2> /dev/null
  echo "subjectAltName=$2" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" -days 30 \
    -extfile "$1.ext" 2> /dev/null
}
sign server DNS:localhost,IP:127.0.0.1
sign client URI:spiffe://example.com/client
