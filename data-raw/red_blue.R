# Makes data/red_blue.rda from data-raw/red_blue.csv. Run in the root of the package.
# The values were drawn once, with a generator that R does not have, and are shipped as they are.
red_blue <- utils::read.csv("data-raw/red_blue.csv")
red_blue$colour <- factor(red_blue$colour, levels = c("red", "blue"))
save(red_blue, file = "data/red_blue.rda", version = 2, compress = "bzip2")
