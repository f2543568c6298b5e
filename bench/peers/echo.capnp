@0xc4f5a1d2b7e09361;

interface Sink {
  push @0 (data :Data) -> stream;
}

interface Echo {
  call @0 (data :Data) -> (data :Data);
  # Pushes items of that size into the sink without end; each begins with its number.
  pour @1 (like :Data, sink :Sink) -> ();
}
