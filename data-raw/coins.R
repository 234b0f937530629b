# Makes data/coins.rda from data-raw/coins.csv. Run in the root of the package.
coins <- utils::read.csv("data-raw/coins.csv")
tosses <- strsplit(coins$sequence, "")
stopifnot(
  vapply(tosses, function(toss) sum(toss == "H"), 0L) == coins$heads,
  vapply(tosses, function(toss) sum(toss == "T"), 0L) == coins$tails
)
coins$coin <- factor(coins$coin, levels = c("A", "B"))
save(coins, file = "data/coins.rda", version = 2, compress = "bzip2")
