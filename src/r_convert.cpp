#include "r_convert.h"

#include <algorithm>
#include <stdexcept>

#include "kernels.h"
#include "latent_markov.h"
#include "latent_mixture.h"
#include "latent_mixture_units.h"
#include "r_families.h"
#include "r_lists.h"
#include "r_parts.h"

namespace em {

namespace {

Rcpp::NumericMatrix matrix_of(const Rcpp::List& data) {
  SEXP x = element(data, "x");
  if (TYPEOF(x) != REALSXP || !Rf_isMatrix(x)) throw std::invalid_argument("data$x must be a double matrix");
  return Rcpp::NumericMatrix(x);
}

std::unique_ptr<Latent> make_mixture(const Rcpp::List& latent, Index k, bool by_unit) {
  const bool noise = is_true(latent, "noise");
  const Index columns = noise ? k + 1 : k;
  const double* proportions = doubles_of(latent, "proportions", columns);
  const double* held = doubles_of(latent, "held", columns);
  if (!proportions || !held) throw std::invalid_argument("one proportion for each component is needed");
  const Noise beside = is_true(latent, "alike") ? Noise::beside_alike : Noise::beside;
  const Noise kind = noise ? beside : Noise::none;
  const ConstVectorMap start(proportions, columns);
  const ConstVectorMap fixed(held, columns);
  if (by_unit) return std::make_unique<LatentMixtureUnits>(start, fixed, kind);
  return std::make_unique<LatentMixture>(start, fixed, kind);
}

// initial and transition: the start; held_initial and held_transition: as many, NaN where free.
std::unique_ptr<Latent> make_markov(const Rcpp::List& latent, Index k) {
  const double* initial = doubles_of(latent, "initial", k);
  const double* transition = doubles_of(latent, "transition", k * k);
  const double* held_initial = doubles_of(latent, "held_initial", k);
  const double* held_transition = doubles_of(latent, "held_transition", k * k);
  if (!initial || !transition || !held_initial || !held_transition) {
    throw std::invalid_argument("a chain needs initial, transition and what is held of both");
  }
  Vector held(k * (k + 1));
  held << ConstVectorMap(held_initial, k), ConstVectorMap(held_transition, k * k);
  const Beginning beginning = is_true(latent, "stationary") ? Beginning::stationary : Beginning::free;
  return std::make_unique<LatentMarkov>(ConstVectorMap(initial, k), ConstMatrixMap(transition, k, k), held,
                                        beginning);
}

std::unique_ptr<Latent> latent_of(const Rcpp::List& latent, Index k, bool by_unit) {
  const auto name = word_of(latent, "name");
  if (name == "mixture") return make_mixture(latent, k, by_unit);
  if (name == "markov") return make_markov(latent, k);
  throw std::invalid_argument("unknown latent structure " + name);
}

// columns: of responsibilities.
Known known_of(const Rcpp::List& data, Index n, Index columns) {
  Known known;
  known.log_noise = doubles_of(data, "log_noise", n);
  known.log_beliefs = doubles_of(data, "log_beliefs", n * columns);
  if (!has(data, "labels")) return known;
  SEXP labels = element(data, "labels");
  if (TYPEOF(labels) != INTSXP || Rf_xlength(labels) != n) {
    throw std::invalid_argument("data$labels must be integers, one for each row");
  }
  known.labels = INTEGER(labels);
  const bool known_all =
      std::all_of(known.labels, known.labels + n, [&](int label) { return label >= 0 && label <= columns; });
  if (!known_all) throw std::invalid_argument("data$labels has labels beyond the components");
  return known;
}

Units units_of(const Rcpp::List& data, Index n) {
  Units out;
  if (!has(data, "units")) return out;
  SEXP ends = element(data, "units");
  out.size = Rf_xlength(ends);
  const auto increase = [](const int* first, const int* last) {
    return *first >= 1 && std::adjacent_find(first, last, std::greater_equal<int>()) == last;
  };
  const bool sound = TYPEOF(ends) == INTSXP && out.size > 0 &&
                     increase(INTEGER(ends), INTEGER(ends) + out.size) && INTEGER(ends)[out.size - 1] == n;
  if (!sound) throw std::invalid_argument("data$units must be the last rows of all units, in order");
  out.ends = INTEGER(ends);
  return out;
}

// Has every row of a unit the same?
bool same_in_units(const double* values, Index columns, const Data& rows) {
  for (const Rows& unit : rows.units.rows()) {
    for (Index j = 0; values && j < columns; ++j) {
      const double* first = values + j * rows.n + unit.begin;
      if (std::any_of(first, first + unit.size, [&](double value) { return value != *first; })) return false;
    }
  }
  return true;
}

// Null where every row counts once.
const double* weights_of(const Rcpp::List& data, Index n) {
  if (!has(data, "weights")) return nullptr;
  SEXP weights = element(data, "weights");
  if (TYPEOF(weights) != REALSXP || Rf_xlength(weights) != n) {
    throw std::invalid_argument("data$weights must be doubles, one for each row");
  }
  const double* first = REAL(weights);
  return std::all_of(first, first + n, [](double w) { return w == 1.0; }) ? nullptr : first;
}

const int* partition_of(SEXP labels, const Model& model) {
  if (TYPEOF(labels) != INTSXP || Rf_xlength(labels) != model.n_rows()) {
    throw std::invalid_argument("a partition has the wrong size or type");
  }
  const int* begin = INTEGER(labels);
  const bool known = std::all_of(begin, begin + model.n_rows(),
                                 [&](int label) { return label >= 1 && label <= model.n_columns(); });
  if (!known) throw std::invalid_argument("a partition has labels beyond the components");
  return begin;
}

}  // namespace

Data make_part(const Rcpp::List& data, Index columns) {
  Data out = make_data(data);
  out.known = known_of(data, out.n, columns);
  return out;
}

Data make_data(const Rcpp::List& data) {
  const std::string wanted = has(data, "kernels") ? word_of(data, "kernels") : "best";
  if (!use_kernels(wanted.c_str())) throw std::invalid_argument("this machine has no kernels " + wanted);
  const Rcpp::NumericMatrix x = matrix_of(data);  // R keeps the memory as long as the list lives
  if (x.ncol() < 1) throw std::invalid_argument("data$x must have a column");
  Data out;
  out.x = x.begin();
  out.n = x.nrow();
  out.d = x.ncol();
  out.weights = weights_of(data, out.n);
  out.units = units_of(data, out.n);
  return out;
}

std::unique_ptr<Family> make_family(const Rcpp::List& data, const Rcpp::List& family) {
  const Data rows = make_data(data);
  auto out = family_of(family, rows, is_true(data, "missing"));
  out->bind(rows);
  return out;
}

std::unique_ptr<Model> make_model(const Rcpp::List& data, const Rcpp::List& family,
                                  const Rcpp::List& latent) {
  Data rows = make_data(data);
  auto components = family_of(family, rows, is_true(data, "missing"));
  auto structure = latent_of(latent, components->n_components(), rows.units.size > 0);
  rows.known = known_of(data, rows.n, structure->n_columns());
  if (is_true(latent, "noise") && !rows.known.log_noise) {
    throw std::invalid_argument("data$log_noise is needed");
  }
  const double* beliefs_of_units = structure->units_share_component() ? rows.known.log_beliefs : nullptr;
  if (!same_in_units(rows.weights, 1, rows) ||
      !same_in_units(beliefs_of_units, structure->n_columns(), rows)) {
    throw std::invalid_argument("weights and beliefs must be the same in all rows of a unit");
  }
  const Index columns = structure->n_columns();
  auto model = std::make_unique<Model>(std::move(components), std::move(structure), rows);
  if (has(data, "parts")) model->take_parts(std::make_shared<RParts>(element(data, "parts"), columns));
  return model;
}

RacePlan make_plan(const Rcpp::List& plan) {
  RacePlan out;
  out.finalists = Rcpp::as<int>(element(plan, "finalists"));
  out.of_each = Rcpp::as<int>(element(plan, "of_each"));
  out.first_pause = Rcpp::as<int>(element(plan, "first_pause"));
  out.kept = Rcpp::as<double>(element(plan, "kept"));
  out.patience = Rcpp::as<int>(element(plan, "patience"));
  out.drop_equals = Rcpp::as<bool>(element(plan, "drop_equals"));
  out.usable = Rcpp::as<int>(element(plan, "usable"));
  if (out.finalists >= 0 && out.of_each >= 0 && out.first_pause > 0 && out.kept >= 0.0 && out.kept < 1.0)
    return out;
  throw std::invalid_argument("a race needs a first pause, and keeps less than all");
}

Control make_control(const Rcpp::List& control) {
  Control out;
  out.tol = Rcpp::as<double>(element(control, "tol"));
  out.stop = word_of(control, "stop") == "parameters" ? Stop::parameters : Stop::loglik;
  out.max_iter = Rcpp::as<int>(element(control, "max_iter"));
  out.step = word_of(control, "algorithm") == "ecm" ? Step::ecm : Step::em;
  if (word_of(control, "algorithm") == "cem") out.assignment = Assignment::hard;
  if (word_of(control, "algorithm") == "sem") out.assignment = Assignment::drawn;
  out.path = Rcpp::as<bool>(element(control, "path"));
  out.accelerate = Rcpp::as<bool>(element(control, "accelerate"));
  out.threads = Rcpp::as<int>(element(control, "threads"));
  out.row_weight = Rcpp::as<double>(element(control, "row_weight"));
  if (has(control, "race")) out.race = make_plan(Rcpp::as<Rcpp::List>(element(control, "race")));
  if (has(control, "trials")) out.trials = Rcpp::as<int>(element(control, "trials"));
  if (has(control, "to_beat")) out.to_beat = Rcpp::as<double>(element(control, "to_beat"));
  return out;
}

void check_responsibilities(SEXP given, Index size) {
  if (TYPEOF(given) == REALSXP && Rf_xlength(given) == size) return;
  throw std::invalid_argument("responsibilities have the wrong size or type");
}

Start make_start(const Rcpp::List& start, const Model& model) {
  Start out;
  out.may_borrow = Rcpp::as<bool>(element(start, "may_borrow"));
  if (has(start, "seed")) {
    const double seed = Rcpp::as<double>(element(start, "seed"));
    if (!(seed >= 0.0 && seed < 0x1p53)) throw std::invalid_argument("a seed must be 0 or more");
    out.seed = static_cast<std::uint64_t>(seed);
  }
  if (has(start, "partition")) {
    out.partition = partition_of(element(start, "partition"), model);
  } else if (has(start, "responsibilities")) {
    SEXP given = element(start, "responsibilities");
    check_responsibilities(given, model.n_rows() * model.n_columns());
    out.responsibilities = REAL(given);
  } else {
    const Rcpp::List parameters = element(start, "parameters");
    out.parameters = packed_parameters(parameters, model.fields());
  }
  return out;
}

std::string status_name(Status status) {
  switch (status) {
    case Status::converged:
      return "converged";
    case Status::max_iter:
      return "max_iter";
    case Status::collapsed:
      return "collapsed";
    case Status::not_monotone:
      return "not_monotone";
    case Status::bad_start:
      return "bad_start";
    case Status::stopped_early:
      return "stopped_early";
    case Status::interrupted:
      return "interrupted";
  }
  return "unknown";
}

}  // namespace em
