# Makes data/three_groups.rda from data-raw/three_groups.csv. Run in the root of the package.
# The values were drawn once, with a generator that R does not have, and are shipped as they are.
three_groups <- utils::read.csv("data-raw/three_groups.csv")
three_groups$group <- factor(three_groups$group)
save(three_groups, file = "data/three_groups.rda", version = 2, compress = "bzip2")
