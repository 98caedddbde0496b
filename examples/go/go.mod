module example.com/numerals

go 1.18

require example.com/roman v1.0.0

replace example.com/roman => ./roman
