// A control plane in one file: go-control-plane keeps what Weir is to know, and tells it what has
// changed. POST /one or /two on its own port moves all traffic to that upstream.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	clusterpb "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	router "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

var (
	adsPort      = flag.Int("ads", 18000, "where Weir asks")
	httpPort     = flag.Int("http", 18002, "where you say where traffic goes")
	listenerPort = flag.Int("listener", 10000, "what Weir shall listen on")
	upstreams    = map[string]*int{
		"one": flag.Int("one", 18081, "the first upstream"),
		"two": flag.Int("two", 18082, "the second upstream"),
	}
)

const node = "example" // node.id of Weir's bootstrap

func packed(message proto.Message) *anypb.Any {
	packed, err := anypb.New(message)
	if err != nil {
		log.Fatal(err)
	}
	return packed
}

func loopback(port int) *core.Address {
	return &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
		Address: "127.0.0.1", PortSpecifier: &core.SocketAddress_PortValue{PortValue: uint32(port)}}}}
}

// Endpoints and routes come over the stream that this came over.
func overAds() *core.ConfigSource {
	return &core.ConfigSource{ResourceApiVersion: core.ApiVersion_V3,
		ConfigSourceSpecifier: &core.ConfigSource_Ads{Ads: &core.AggregatedConfigSource{}}}
}

func demoCluster() types.Resource {
	return &clusterpb.Cluster{Name: "demo", ConnectTimeout: durationpb.New(time.Second),
		ClusterDiscoveryType: &clusterpb.Cluster_Type{Type: clusterpb.Cluster_EDS},
		EdsClusterConfig:     &clusterpb.Cluster_EdsClusterConfig{EdsConfig: overAds()}}
}

func demoEndpoints(port int) types.Resource {
	return &endpoint.ClusterLoadAssignment{ClusterName: "demo",
		Endpoints: []*endpoint.LocalityLbEndpoints{{LbEndpoints: []*endpoint.LbEndpoint{{
			HostIdentifier: &endpoint.LbEndpoint_Endpoint{
				Endpoint: &endpoint.Endpoint{Address: loopback(port)}}}}}}}
}

func routes() types.Resource {
	toDemo := &route.Route_Route{Route: &route.RouteAction{
		ClusterSpecifier: &route.RouteAction_Cluster{Cluster: "demo"}}}
	return &route.RouteConfiguration{Name: "routes", VirtualHosts: []*route.VirtualHost{{
		Name: "all", Domains: []string{"*"}, Routes: []*route.Route{{Action: toDemo,
			Match: &route.RouteMatch{PathSpecifier: &route.RouteMatch_Prefix{Prefix: "/"}}}}}}}
}

func ingress() types.Resource {
	manager := &hcm.HttpConnectionManager{StatPrefix: "ingress",
		RouteSpecifier: &hcm.HttpConnectionManager_Rds{
			Rds: &hcm.Rds{RouteConfigName: "routes", ConfigSource: overAds()}},
		HttpFilters: []*hcm.HttpFilter{{Name: "envoy.filters.http.router",
			ConfigType: &hcm.HttpFilter_TypedConfig{TypedConfig: packed(&router.Router{})}}}}
	return &listener.Listener{Name: "ingress", Address: loopback(*listenerPort),
		FilterChains: []*listener.FilterChain{{Filters: []*listener.Filter{{
			Name:       "envoy.filters.network.http_connection_manager",
			ConfigType: &listener.Filter_TypedConfig{TypedConfig: packed(manager)}}}}}}
}

// All that Weir is to know, with traffic to that port. A resource that is as before is not sent
// again.
func snapshot(version int64, port int) (*cache.Snapshot, error) {
	made, err := cache.NewSnapshot(fmt.Sprint(version), map[resource.Type][]types.Resource{
		resource.ClusterType:  {demoCluster()},
		resource.EndpointType: {demoEndpoints(port)},
		resource.ListenerType: {ingress()},
		resource.RouteType:    {routes()},
	})
	if err != nil {
		return nil, err
	}
	return made, made.Consistent()
}

// Says what Weir refuses.
func callbacks() server.Callbacks {
	return server.CallbackFuncs{
		StreamDeltaRequestFunc: func(_ int64, request *discovery.DeltaDiscoveryRequest) error {
			if request.ErrorDetail != nil {
				log.Printf("refused: %s", request.ErrorDetail.Message)
			}
			return nil
		}}
}

func main() {
	flag.Parse()
	snapshots := cache.NewSnapshotCache(true, cache.IDHash{}, nil)
	var version atomic.Int64
	send := func(name string) error {
		made, err := snapshot(version.Add(1), *upstreams[name])
		if err != nil {
			return err
		}
		return snapshots.SetSnapshot(context.Background(), node, made)
	}
	if err := send("one"); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /{name}", func(to http.ResponseWriter, request *http.Request) {
		name := strings.ToLower(request.PathValue("name"))
		if upstreams[name] == nil {
			http.Error(to, "expected /one or /two", http.StatusNotFound)
		} else if err := send(name); err != nil {
			http.Error(to, err.Error(), http.StatusInternalServerError)
		} else {
			fmt.Fprintf(to, "traffic goes to %s\n", name)
		}
	})
	go func() { log.Fatal(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *httpPort), nil)) }()

	sockets, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *adsPort))
	if err != nil {
		log.Fatal(err)
	}
	grpcServer := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(grpcServer,
		server.NewServer(context.Background(), snapshots, callbacks()))
	log.Fatal(grpcServer.Serve(sockets))
}
