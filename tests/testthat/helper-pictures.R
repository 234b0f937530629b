# The grobs of a picture that find their places when they are drawn.
placed_grobs <- function(picture, class) {
  drawn <- grid::grid.force(ggplot2::ggplotGrob(picture), draw = FALSE)
  found <- list()
  walk <- function(grob) {
    if (inherits(grob, "gtable")) lapply(grob$grobs, walk)
    else if (inherits(grob, class)) found[[length(found) + 1L]] <<- grob
    else if (inherits(grob, "gTree")) lapply(grob$children, walk)
  }
  walk(drawn)
  found
}

written <- function(grob) unlist(lapply(grid::makeContent(grob)$children, function(child) if (inherits(child, "text")) as.character(child$label)))
