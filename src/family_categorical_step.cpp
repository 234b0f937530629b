// The M-step of family_categorical.h, its score, its starts and how far components are apart.
#include <algorithm>
#include <cmath>

#include "family_categorical.h"

namespace em {

// A start gets half a row more: a probability of 0 would never move.
void FamilyCategorical::maximise(ConstVectorRef statistics, Step step) {
  Vector counts;
  for (Index j = 0; j < n_items(); ++j) {
    const Vector more = prior_of(j) + more_rows(j, step == Step::start ? 0.5 : 0.0);
    for (Index c = 0; c < k_; ++c) {
      counts.resize(item(j).n_levels);
      for (Index l = 0; l < counts.size(); ++l)
        counts[l] = statistics[c + k_ * (first_cell(j) + l)] + more[l];
      maximise_item(j, c, counts);
    }
  }
}

// An item that nobody of a component answered keeps its probabilities: nothing speaks for others. What is
// held leaves the rest to those that are free.
void FamilyCategorical::maximise_item(Index j, Index k, const Vector& counts) {
  if (is_binary()) {
    const Index at = k + k_ * j;
    if (!is_held(at) && counts.sum() > 0.0) prob_[at] = counts[1] / counts.sum();
    return;
  }
  const Index first = k + k_ * first_cell(j);
  double left = 1.0;
  double sum = 0.0;
  for (Index l = 0; l < counts.size(); ++l) {
    if (is_held(first + k_ * l)) {
      left -= prob_[first + k_ * l];
    } else {
      sum += counts[l];
    }
  }
  for (Index l = 0; l < counts.size(); ++l) {
    if (sum > 0.0 && !is_held(first + k_ * l)) prob_[first + k_ * l] = std::max(left, 0.0) * counts[l] / sum;
  }
}

Vector FamilyCategorical::prior_of(Index j) const {
  if (prior_.size() == 0) return Vector::Zero(item(j).n_levels);
  return prior_.segment(first_cell(j), item(j).n_levels);
}

double FamilyCategorical::log_prior() const {
  double out = 0.0;
  for (Index j = 0; prior_.size() > 0 && j < n_items(); ++j) {
    const Vector more = prior_of(j);
    for (Index l = 0; l < more.size(); ++l) {
      for (Index c = 0; c < k_ && more[l] > 0.0; ++c) out += more[l] * std::log(probability(j, l, c));
    }
  }
  return out;
}

void FamilyCategorical::score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
                              VectorRef /*information*/) const {
  if (!is_binary()) slope = statistics;
  for (Index j = 0; j < n_items(); ++j) {
    const Vector more = prior_of(j);
    for (Index c = 0; c < k_; ++c) {
      const Index first = c + k_ * first_cell(j);
      if (is_binary()) {
        const double ones = statistics[first + k_] + more[1];
        rows[c + k_ * j] = statistics[first] + more[0] + ones;
        slope[c + k_ * j] = ones - rows[c + k_ * j] * prob_[c + k_ * j];
      } else {
        for (Index l = 0; l < more.size(); ++l) slope[first + k_ * l] += more[l];
      }
    }
  }
  if (!is_binary()) rows = slope;
}

Fields FamilyCategorical::parameters() {
  if (is_binary())
    return {{"prob", Scale::unit, {{Axis::component, k_}, {Axis::variable, n_items()}}, prob_.data()}};
  if (shape_ == CategoricalFields::together)
    return {{"prob", Scale::simplex, {{Axis::component, k_}, {Axis::category, n_cells_}}, prob_.data()}};
  Fields out;
  for (Index j = 0; j < n_items(); ++j) {
    out.push_back({"prob." + std::to_string(j + 1),
                   Scale::simplex,
                   {{Axis::component, k_}, {Axis::category, item(j).n_levels}},
                   prob_.data() + k_ * first_cell(j)});
  }
  return out;
}

// The overlap of an item, sum sqrt(p q), is 1 less half the sum of (sqrt p - sqrt q)^2; of counts, at their
// mean total.
double FamilyCategorical::distance(Index a, Index b, double /*enough*/) const {
  double apart = 0.0;
  for (Index j = 0; j < n_items(); ++j) {
    double squares = 0.0;
    for (Index l = 0; l < item(j).n_levels; ++l) {
      const double gap = std::sqrt(probability(j, l, a)) - std::sqrt(probability(j, l, b));
      squares += gap * gap;
    }
    apart -= mean_total_[j] * std::log1p(-std::min(0.5 * squares, 1.0));
  }
  return apart;
}

Index FamilyCategorical::n_features() const {
  Index out = 0;
  for (const Item& each : items_) out += each.n_levels > 2 ? each.n_levels : 1;
  return out;
}

// Shares about the margin, scaled so that an item has the weight of one standardised number; of two levels
// one tells all. What is missing is at the margin. Starts ask often, so codes are compared column by column.
void FamilyCategorical::features(Rows rows, MatrixRef out) const {
  Index to = 0;
  for (Index j = 0; j < n_items(); ++j) {
    const Index n_levels = item(j).n_levels;
    for (Index l = n_levels > 2 ? 0 : n_levels - 1; l < n_levels; ++l, ++to) {
      const double p = margin_[first_cell(j) + l];
      const double variance = n_levels > 2 ? p * static_cast<double>(n_levels - 1) : p * (1.0 - p);
      const double scale = variance > 0.0 ? std::sqrt(mean_total_[j] / variance) : 0.0;
      if (item(j).counts) {
        for (Index i = 0; i < rows.size; ++i) {
          const Index row = rows.begin + i;
          const bool there = !is_missing(row, j) && total(row, j) > 0.0;
          out(i, to) = there ? scale * (count(row, j, l) / total(row, j) - p) : 0.0;
        }
        continue;
      }
      const double* code = data_.x + rows.begin + item(j).column * data_.n;
      const double own = static_cast<double>(l + 1);
      const double here = scale * (1.0 - p);
      const double elsewhere = -scale * p;
      for (Index i = 0; i < rows.size; ++i) {
        out(i, to) = code[i] == own ? here : (code[i] == code[i] ? elsewhere : 0.0);
      }
    }
  }
}

}  // namespace em
