module weir.example/consul

go 1.24
