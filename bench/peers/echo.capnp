@0xc4f5a1d2b7e09361;

interface Echo {
  call @0 (data :Data) -> (data :Data);
}
