# The data sets of starts.R and starts-kinds.R: name, data, number of components. Needs mclust and MASS for their data.
local({
  packaged <- function(name, package) {
    home <- new.env()
    data(list = name, package = package, envir = home)
    home[[name]]
  }
  mc <- function(name) packaged(name, "mclust")
  galaxies <- packaged("galaxies", "MASS") / 1000
  list(
    list("faithful", faithful, 2), list("faithful", faithful, 3), list("iris", iris[1:4], 2), list("iris", iris[1:4], 3),
    list("galaxies", galaxies, 3), list("galaxies", galaxies, 4), list("acidity", mc("acidity"), 2),
    list("acidity", mc("acidity"), 3), list("banknote", mc("banknote")[-1], 2), list("banknote", mc("banknote")[-1], 3),
    list("diabetes", mc("diabetes")[-1], 3), list("thyroid", mc("thyroid")[-1], 3), list("wreath", mc("wreath"), 14)
  )
})
