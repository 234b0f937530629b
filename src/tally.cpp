#include "tally.h"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace em {

namespace {

// Above this every double is whole, and none need have a place among the integers.
constexpr double all_whole = 9007199254740992.0;

bool is_whole(double x) { return x >= all_whole || static_cast<double>(static_cast<std::int64_t>(x)) == x; }

// A row as one number that differs in its high bits: each column is mixed into those before it. Very large
// numbers all look alike, which costs time only.
std::uint64_t mix(std::uint64_t before, double x) {
  const bool exact = std::abs(x) < all_whole;  // not of NaN
  const auto whole = exact ? static_cast<std::uint64_t>(static_cast<std::int64_t>(x)) + 1u : 0u;
  const std::uint64_t sum = (before ^ (before >> 29)) * 0x9E3779B97F4A7C15u + whole;
  return sum * 0xC2B2AE3D27D4EB4Fu;
}

// Where a row has its place: a table of numbers of different rows, with twice as many places as these or
// more.
class Places {
 public:
  Places(const double* x, Index n, Index d) : x_(x), n_(n), d_(d), places_(1024, none) {}

  // The number of the row, a new one where its like was never met.
  std::size_t number(Index row, std::vector<Index>& first) {
    std::size_t at = place_of(row, first);
    if (places_[at] != none) return places_[at];
    if (2 * first.size() >= places_.size()) {
      grow(first);
      at = place_of(row, first);
    }
    places_[at] = static_cast<std::uint32_t>(first.size());
    first.push_back(row);
    return first.size() - 1;
  }

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFFu;

  std::size_t place_of(Index row, const std::vector<Index>& first) const {
    std::uint64_t mixed = 0;
    for (Index j = 0; j < d_; ++j) mixed = mix(mixed, x_[row + j * n_]);
    std::size_t at = mixed >> shift_;
    while (places_[at] != none && !equal(row, first[places_[at]])) at = (at + 1) & (places_.size() - 1);
    return at;
  }

  bool equal(Index a, Index b) const {
    for (Index from = 0; from < d_ * n_; from += n_) {
      const double x = x_[a + from];
      const double y = x_[b + from];
      if (x != y && !(std::isnan(x) && std::isnan(y))) return false;
    }
    return true;
  }

  void grow(const std::vector<Index>& first) {
    --shift_;
    places_.assign(2 * places_.size(), none);
    for (std::size_t i = 0; i < first.size(); ++i) {
      places_[place_of(first[i], first)] = static_cast<std::uint32_t>(i);
    }
  }

  const double* x_;
  Index n_;
  Index d_;
  int shift_ = 64 - 10;  // the table has 2^(64 - shift) places
  std::vector<std::uint32_t> places_;
};

}  // namespace

Counts count_rows(Index n, const double* successes, const double* failures, const double* trials,
                  bool one_for_all, double* out) {
  double* y = out;
  double* m = out + n;
  Counts found;
  double total = 0.0;
  for (Index i = 0; i < n; ++i) {
    const double size = failures ? successes[i] + failures[i] : trials[one_for_all ? 0 : i];
    const bool known = !std::isnan(successes[i]) && !std::isnan(size);
    y[i] = known ? successes[i] : 0.0;
    m[i] = known ? size : 0.0;
    found.sound = found.sound && y[i] >= 0.0 && y[i] <= m[i] && is_whole(y[i]) && is_whole(m[i]);
    total += m[i];
    if (m[i] == 0.0) found.empty.push_back(i);
  }
  found.sound = found.sound && total <= all_whole;
  return found;
}

Tally tally_rows(const double* x, Index n, Index d, const double* weights) {
  Tally out;
  Places places(x, n, d);
  for (Index i = 0; i < n; ++i) {
    const std::size_t number = places.number(i, out.first);
    if (number == out.weights.size()) out.weights.push_back(0.0);
    out.weights[number] += weights ? weights[i] : 1.0;
  }
  return out;
}

}  // namespace em
