#include "r_families.h"

#include <stdexcept>

#include "family_binomial.h"
#include "family_categorical.h"
#include "family_gamma.h"
#include "family_gaussian.h"
#include "family_gaussian_missing.h"
#include "family_negbin.h"
#include "family_poisson.h"
#include "family_t.h"
#include "family_t_missing.h"
#include "r_family.h"
#include "r_lists.h"
#include "r_mixed.h"

namespace em {

namespace {

// family$held: lists like the parameters, NaN where free.
const double* held_of(const Rcpp::List& family, const char* name, Index size) {
  if (!has(family, "held")) return nullptr;
  const Rcpp::List held = element(family, "held");
  return doubles_of(held, name, size);
}

// Holds what family$held has of the fields.
void hold_fields(const Rcpp::List& family, Family& out) {
  if (!has(family, "held")) return;
  const Rcpp::List held = element(family, "held");
  const Fields fields = out.parameters();
  Vector packed(packed_size(fields));
  Index at = 0;
  for (const Field& field : fields) {
    const double* values = doubles_of(held, field.name.c_str(), field.size());
    for (Index i = 0; i < field.size(); ++i) packed[at + i] = values ? values[i] : NA_REAL;
    at += field.size();
  }
  out.hold(packed);
}

HeldGaussian make_held(const Rcpp::List& family, Index d, Index k) {
  HeldGaussian out;
  if (const double* mean = held_of(family, "mean", k * d)) out.mean = ConstMatrixMap(mean, k, d);
  const double* spread = held_of(family, d == 1 ? "sd" : "covariance", d * d * k);
  if (spread) out.spread = ConstVectorMap(spread, d * d * k);
  return out;
}

GaussianPrior make_prior(const Rcpp::List& family, Index d) {
  GaussianPrior out;
  if (!has(family, "prior")) return out;
  const Rcpp::List prior = element(family, "prior");
  const double* mean = doubles_of(prior, "mean", d);
  const double* scale = doubles_of(prior, "scale", d * d);
  if (!mean || !scale) throw std::invalid_argument("a prior needs mean and scale");
  out.mean = ConstVectorMap(mean, d);
  out.scale = ConstMatrixMap(scale, d, d);
  out.kappa = Rcpp::as<double>(element(prior, "kappa"));
  out.nu = Rcpp::as<double>(element(prior, "nu"));
  return out;
}

std::unique_ptr<Family> make_gaussian(const Rcpp::List& family, Index d, Index k, bool missing) {
  const Structure structure = parse_structure(word_of(family, "covariance"));
  std::unique_ptr<FamilyGaussianBase> out;
  if (missing) {
    out = std::make_unique<FamilyGaussianMissing>(d, k, structure);
  } else {
    out = std::make_unique<FamilyGaussian>(d, k, structure);
  }
  out->hold(make_held(family, d, k));
  out->set_prior(make_prior(family, d));
  return out;
}

// family$common: are degrees of freedom shared?
template <class Student>
std::unique_ptr<Family> make_student(const Rcpp::List& family, Index d, Index k) {
  const Structure structure = parse_structure(word_of(family, "covariance"));
  const Freedom freedom = is_true(family, "common") ? Freedom::shared : Freedom::own;
  auto out = std::make_unique<Student>(d, k, structure, freedom);
  out->hold(make_held(family, d, k));
  if (const double* df = held_of(family, "df", k)) {
    out->hold_df(ConstVectorMap(df, k));
  } else if (has(family, "df")) {
    out->hold_df(Vector::Constant(k, Rcpp::as<double>(element(family, "df"))));
  }
  return out;
}

std::unique_ptr<Family> make_t(const Rcpp::List& family, Index d, Index k, bool missing) {
  return missing ? make_student<FamilyTMissing>(family, d, k) : make_student<FamilyT>(family, d, k);
}

std::unique_ptr<Family> make_binomial(const Rcpp::List& family, Index d, Index k) {
  if (d != 2) throw std::invalid_argument("binomial data need two columns: successes, trials");
  auto out = std::make_unique<FamilyBinomial>(k);
  if (const double* prob = held_of(family, "prob", k)) out->hold(ConstVectorMap(prob, k));
  return out;
}

// Of d columns of data family$columns are counts, and exposures are behind them: how many there are.
Index exposures_of(const Rcpp::List& family, Index d) {
  const Index p = Rcpp::as<int>(element(family, "columns"));
  const Index exposures = d - p;
  if (p < 1 || (exposures != 0 && exposures != 1 && exposures != p)) {
    throw std::invalid_argument("data must have columns of counts, and none, one or as many of exposures");
  }
  return exposures;
}

std::unique_ptr<Family> make_negbin(const Rcpp::List& family, Index d, Index k) {
  const Index exposures = exposures_of(family, d);
  auto out = std::make_unique<FamilyNegbin>(k, d - exposures, exposures);
  hold_fields(family, *out);
  return out;
}

std::unique_ptr<Family> make_poisson(const Rcpp::List& family, Index d, Index k) {
  const Index exposures = exposures_of(family, d);
  const Index p = d - exposures;
  auto out = std::make_unique<FamilyPoisson>(k, p, exposures);
  if (const double* rate = held_of(family, "rate", k * p)) out->hold(ConstVectorMap(rate, k * p));
  if (has(family, "prior")) {
    const Rcpp::List prior = element(family, "prior");
    out->set_prior(
        {Rcpp::as<double>(element(prior, "shape")) - 1.0, Rcpp::as<double>(element(prior, "rate"))});
  }
  return out;
}

std::unique_ptr<Family> make_gamma(const Rcpp::List& family, Index d, Index k, bool missing) {
  auto out = std::make_unique<FamilyGamma>(k, d, missing);
  if (has(family, "shape")) {
    Vector held = Vector::Constant(2 * k * d, NA_REAL);
    held.tail(k * d).setConstant(Rcpp::as<double>(element(family, "shape")));
    out->hold(held);
  }
  hold_fields(family, *out);
  return out;
}

// Bound at once: how many statistics it has is for the rows to say.
std::unique_ptr<Family> make_user(const Rcpp::List& family, const Data& rows, Index k) {
  auto out = std::make_unique<RFamily>(family, rows.d, k);
  out->bind(rows);
  if (has(family, "held")) out->hold(packed_parameters(element(family, "held"), out->parameters()));
  return out;
}

// Of "categorical" family$sizes has the numbers of levels; "bernoulli" has two of each column, and the
// columns of a "multinomial" are the levels of one item.
std::unique_ptr<Family> make_categorical(const std::string& name, const Rcpp::List& family, Index d,
                                         Index k) {
  std::vector<Item> items;
  auto shape = CategoricalFields::by_item;
  if (name == "multinomial") {
    shape = CategoricalFields::together;
    items.push_back({0, d, true});
  } else {
    const bool binary = name == "bernoulli";
    if (binary) shape = CategoricalFields::binary;
    const Rcpp::IntegerVector sizes = binary ? Rcpp::IntegerVector(static_cast<int>(d), 2)
                                             : Rcpp::as<Rcpp::IntegerVector>(element(family, "sizes"));
    if (sizes.size() != d) throw std::invalid_argument("there must be a number of levels for each column");
    for (Index j = 0; j < d; ++j) items.push_back({j, sizes[j], false});
  }
  Index cells = 0;
  for (const Item& item : items) cells += item.n_levels;
  auto out = std::make_unique<FamilyCategorical>(k, std::move(items), shape);
  if (has(family, "prior")) {
    const double* rows = doubles_of(element(family, "prior"), "rows", cells);
    if (!rows) throw std::invalid_argument("a prior on categories needs rows");
    out->set_prior(ConstVectorMap(rows, cells));
  }
  hold_fields(family, *out);
  return out;
}

}  // namespace

std::unique_ptr<Family> family_of(const Rcpp::List& family, const Data& rows, bool missing) {
  const auto name = word_of(family, "name");
  const Index d = rows.d;
  const Index k = Rcpp::as<int>(element(family, "k"));
  if (k < 1) throw std::invalid_argument("family$k must be 1 or more");
  if (name == "gaussian") return make_gaussian(family, d, k, missing);
  if (name == "binomial") return make_binomial(family, d, k);
  if (name == "poisson") return make_poisson(family, d, k);
  if (name == "t") return make_t(family, d, k, missing);
  if (name == "negbin") return make_negbin(family, d, k);
  if (name == "gamma") return make_gamma(family, d, k, missing);
  if (name == "user") return make_user(family, rows, k);
  if (name == "mixed") return make_mixed(family, rows, k, family_of);
  if (name == "categorical" || name == "bernoulli" || name == "multinomial") {
    return make_categorical(name, family, d, k);
  }
  throw std::invalid_argument("unknown family " + name);
}

}  // namespace em
