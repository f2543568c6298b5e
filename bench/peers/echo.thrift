namespace cpp bench_peer

service Echo {
  binary call(1: binary data)
}
