#!/bin/sh
# Writes what examples/14-from-files.yaml reads into the directory that is named.
set -eu
mkdir -p "$1"
cat >"$1/clusters.yaml" <<'EOF'
resources:
- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: demo
  connect_timeout: 1s
  load_assignment:
    cluster_name: demo
    endpoints:
    - lb_endpoints:
      - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 18081}}}
EOF
cat >"$1/listeners.yaml" <<'EOF'
resources:
- "@type": type.googleapis.com/envoy.config.listener.v3.Listener
  name: ingress
  address: {socket_address: {address: 127.0.0.1, port_value: 10000}}
  filter_chains:
  - filters:
    - name: envoy.filters.network.http_connection_manager
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: ingress
        route_config:
          virtual_hosts:
          - name: all
            domains: ["*"]
            routes:
            - match: {prefix: /}
              route: {cluster: demo}
        http_filters:
        - name: envoy.filters.http.router
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
EOF
