# Makes data/role_conflict.rda from data-raw/role_conflict.csv, the 16 cells of the published table. Run in the root
# of the package.
cells <- utils::read.csv("data-raw/role_conflict.csv")
stopifnot(nrow(unique(cells[1:4])) == 16, sum(cells$n) == 216)
role_conflict <- cells[rep(seq_len(nrow(cells)), cells$n), 1:4]
role_conflict[] <- lapply(role_conflict, factor, levels = c("-", "+"), labels = c("particularistic", "universalistic"))
rownames(role_conflict) <- NULL
save(role_conflict, file = "data/role_conflict.rda", version = 2, compress = "bzip2")
