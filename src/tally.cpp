#include "tally.h"

#include <cmath>
#include <cstdint>

namespace em {

namespace {

// Above this every double is whole, and none need have a place among the integers.
constexpr double all_whole = 9007199254740992.0;

bool is_whole(double x) { return x >= all_whole || static_cast<double>(static_cast<std::int64_t>(x)) == x; }

// Two counts as one number that differs in its high bits. Very large numbers all look alike, which costs
// time only.
std::uint64_t mix(double a, double b) {
  const auto whole = [](double x) {
    return std::abs(x) < all_whole ? static_cast<std::uint64_t>(static_cast<std::int64_t>(x)) : 0u;
  };
  return whole(a) * 0x9E3779B97F4A7C15u + whole(b) * 0xC2B2AE3D27D4EB4Fu;
}

// Where a pair has its place: a table of numbers of pairs, with twice as many places as pairs or more.
class Places {
 public:
  explicit Places(const double* counts, Index n) : y_(counts), m_(counts + n), places_(1024, none) {}

  // The number of the row's pair, a new one where it was never met.
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
    std::size_t at = mix(y_[row], m_[row]) >> shift_;
    while (places_[at] != none && !equal(row, first[places_[at]])) at = (at + 1) & (places_.size() - 1);
    return at;
  }

  bool equal(Index a, Index b) const { return y_[a] == y_[b] && m_[a] == m_[b]; }

  void grow(const std::vector<Index>& first) {
    --shift_;
    places_.assign(2 * places_.size(), none);
    for (std::size_t i = 0; i < first.size(); ++i) {
      places_[place_of(first[i], first)] = static_cast<std::uint32_t>(i);
    }
  }

  const double* y_;
  const double* m_;
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

Tally tally_rows(const double* counts, Index n, const double* weights) {
  Tally out;
  Places places(counts, n);
  for (Index i = 0; i < n; ++i) {
    const std::size_t number = places.number(i, out.first);
    if (number == out.weights.size()) out.weights.push_back(0.0);
    out.weights[number] += weights ? weights[i] : 1.0;
  }
  return out;
}

}  // namespace em
