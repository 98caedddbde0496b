module example.com/roman

go 1.18
