module weir.test/xds_churn

go 1.25

require golang.org/x/net v0.42.0
