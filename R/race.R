# How a race of starts goes, in the plain numbers of src/race.h. A search by em_fit() has starts of several kinds, each of
# which finds optima that the others miss, and long trials: some of each kind run on. A cell of em_select() has starts
# that come from each other, and shares what it finds: it sets aside soon.

trial_iterations <- 40L # of the starts of em_fit(), before any is set aside

fit_race <- function(control, kinds = length(varied_kinds)) {
  if (control$max_iter <= trial_iterations) return(NULL)
  list(finalists = control$n_start, of_each = control$n_start %/% kinds, first_pause = trial_iterations,
       kept = 0, patience = 200L, drop_equals = FALSE, usable = (control$n_start + 1L) %/% 2L)
}

table_race <- function(most) {
  list(finalists = most, of_each = 0L, first_pause = 2L, kept = 0.4, patience = 10L, drop_equals = TRUE, usable = 1L)
}

# Starts that differ from a good end in where two components are: they say late which of them leads higher.
move_race <- function() replace(table_race(4L), c("first_pause", "patience"), list(10L, 40L))

# Without a plan all starts run to the end.
race_by <- function(plan, control) {
  control["race"] <- list(plan)
  control
}
