# Makes data/interview.rda from data-raw/interview.csv, the cells of the published table that are not empty. Run in
# the root of the package.
cells <- utils::read.csv("data-raw/interview.csv")
stopifnot(nrow(unique(cells[1:4])) == 33, sum(cells$n) == 1202)
interview <- cells[rep(seq_len(nrow(cells)), cells$n), 1:4]
levels <- list(purpose = c("good", "depends", "waste"), accuracy = c("mostly true", "not true"),
               understanding = c("good", "fair or poor"), cooperation = c("interested", "cooperative", "impatient"))
interview[] <- Map(factor, interview, levels)
rownames(interview) <- NULL
save(interview, file = "data/interview.rda", version = 2, compress = "bzip2")
