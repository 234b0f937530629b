# Installs emfit from this folder, and before it the packages it needs that are missing or too old:
#
#   Rscript .ci/install.R [--only-packages] [--vignettes] [package ...]
#
# Packages named on the command line are installed too (with --only-packages nothing but them and those
# needed). With --vignettes the vignettes are knitted and installed, which takes knitr, rmarkdown, pandoc and about two
# minutes more. Everything comes from the repository that R is configured with (where none is chosen, the first of
# R's own list of mirrors) and goes to the first library that can be written: the site's, or else the user's,
# which R finds by itself next time.

writable_library <- function() {
  user <- strsplit(Sys.getenv("R_LIBS_USER"), .Platform$path.sep, fixed = TRUE)[[1]]
  user <- path.expand(user[!user %in% c("", "NULL")])
  for (library in c(.libPaths()[1], user)) {
    if (!dir.exists(library)) dir.create(library, recursive = TRUE, showWarnings = FALSE)
    if (file.access(library, 2) == 0) {
      .libPaths(c(library, .libPaths()))
      return(library)
    }
  }
  stop("No library can be written; set R_LIBS_USER to a folder of yours.")
}

choose_repository <- function() {
  repositories <- getOption("repos")
  if (length(repositories) == 0) options(repos = c(CRAN = "@CRAN@"))
  if ("@CRAN@" %in% getOption("repos")) utils::chooseCRANmirror(ind = 1, local.only = TRUE)
}

# "testthat (>= 3.1.0), Rcpp" -> a data frame of package and least version ("0" where none is asked for).
parse_requirements <- function(field) {
  entries <- trimws(unlist(strsplit(field, ",")))
  entries <- entries[nzchar(entries) & !grepl("^R( |\\(|$)", entries)]
  version <- rep("0", length(entries))
  has <- grepl(">=", entries)
  version[has] <- gsub(".*>=|[) ]", "", entries[has])
  data.frame(package = sub("[ (].*", "", entries), version = version)
}

lacking <- function(required) {
  present <- mapply(function(package, version) {
    found <- tryCatch(utils::packageVersion(package), error = function(e) NULL)
    !is.null(found) && found >= version
  }, required$package, required$version)
  unique(required$package[!as.logical(present)])
}

install_requirements <- function(extra, library, cores) {
  description <- read.dcf("DESCRIPTION")
  has <- function(fields) description[1, intersect(fields, colnames(description))]
  required <- parse_requirements(has(c("Depends", "Imports", "LinkingTo")))
  optional <- parse_requirements(has("Suggests"))
  known <- optional$package %in% extra
  required <- rbind(required, optional[known, ], parse_requirements(setdiff(extra, optional$package)))
  missing <- lacking(required)
  if (length(missing) == 0) return(invisible())
  choose_repository()
  message("Installing ", toString(missing), " and what they need into ", library)
  # testthat leads to fs, which brings its own libuv but takes it only when told.
  if (!nzchar(Sys.getenv("USE_BUNDLED_LIBUV"))) Sys.setenv(USE_BUNDLED_LIBUV = "1")
  utils::install.packages(missing, lib = library, Ncpus = cores, quiet = TRUE)
  still <- lacking(required)
  if (length(still) > 0) stop("These packages could not be installed: ", toString(still), call. = FALSE)
}

run_r <- function(...) {
  status <- system2(file.path(R.home("bin"), "R"), c("CMD", ...))
  if (status != 0) stop("R CMD ", ..1, " failed.", call. = FALSE)
}

# By way of a source package, so that no object file is left in this folder or taken from it.
install_emfit <- function(library, cores, vignettes) {
  if (!nzchar(Sys.getenv("MAKEFLAGS"))) Sys.setenv(MAKEFLAGS = paste0("-j", cores))
  source_folder <- normalizePath(".")
  build <- tempfile("build")
  dir.create(build)
  old <- setwd(build)
  on.exit(setwd(old))
  if (vignettes) require_pandoc()
  run_r("build", if (!vignettes) "--no-build-vignettes", "--no-manual", shQuote(source_folder))
  run_r("INSTALL", paste0("--library=", shQuote(library)), list.files(pattern = "[.]tar[.]gz$"))
}

require_pandoc <- function() {
  if (requireNamespace("rmarkdown", quietly = TRUE) && rmarkdown::pandoc_available()) return(invisible())
  stop("Vignettes need pandoc, which is not found: install it (apt, brew, winget, or RStudio brings it).", call. = FALSE)
}

main <- function(arguments) {
  if (!file.exists("DESCRIPTION")) stop("Run this in the top folder of emfit.", call. = FALSE)
  library <- writable_library()
  cores <- max(1L, min(4L, parallel::detectCores(), na.rm = TRUE))
  vignettes <- "--vignettes" %in% arguments
  extra <- c(setdiff(arguments, c("--only-packages", "--vignettes")), if (vignettes) c("knitr", "rmarkdown"))
  install_requirements(extra, library, cores)
  if ("--only-packages" %in% arguments) return(invisible())
  install_emfit(library, cores, vignettes)
  message("emfit ", utils::packageVersion("emfit"), " is installed in ", library)
}

main(commandArgs(trailingOnly = TRUE))
