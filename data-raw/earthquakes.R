# Makes data/earthquakes.rda: the numbers of Table 1.1 of Zucchini & MacDonald (2009). Run in the root of the package.
count <- c(
  13, 14, 8, 10, 16, 26, 32, 27, 18, 32, 36, 24, 22, 23, 22, 18, 25, 21, 21, 14,
  8, 11, 14, 23, 18, 17, 19, 20, 22, 19, 13, 26, 13, 14, 22, 24, 21, 22, 26, 21,
  23, 24, 27, 41, 31, 27, 35, 26, 28, 36, 39, 21, 17, 22, 17, 19, 15, 34, 10, 15,
  22, 18, 15, 20, 15, 22, 19, 16, 30, 27, 29, 23, 20, 16, 21, 21, 25, 16, 18, 15,
  18, 14, 10, 15, 8, 15, 6, 11, 8, 7, 18, 16, 13, 12, 13, 20, 15, 16, 12, 18,
  15, 16, 13, 15, 16, 11, 11
)
earthquakes <- data.frame(year = 1900:2006, count = as.integer(count))
# The mean and the variance that the book prints.
stopifnot(round(mean(earthquakes$count), 2) == 19.36, round(var(earthquakes$count), 2) == 51.57)
save(earthquakes, file = "data/earthquakes.rda", version = 2, compress = "bzip2")
