#include "family_categorical.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "blocks.h"
#include "numerics.h"

namespace em {

namespace {

// For log 0, so that 0 times it is 0, and the sum over items stays finite.
constexpr double log_zero = -1e300;

constexpr Index most_crossed = 64;

// What the linear form may lose of a log density, as in family_poisson.cpp.
constexpr double loss_fast = 1e-10;
constexpr double loss_exact = 4e-12;

double log_of(double p) { return std::max(std::log(p), log_zero); }

// sums[k + K * code_i] += r_ik, for codes below `end`.
template <int n>
void scatter(const std::uint32_t* codes, std::size_t end, ConstBlock r, double* sums) {
  const std::size_t k = n > 0 ? n : r.columns;
  for (std::size_t i = 0; i < r.rows; ++i) {
    if (codes[i] >= end) continue;
    double* to = sums + k * codes[i];
    const double* from = r.data + i;
    for (std::size_t j = 0; j < k; ++j) to[j] += from[j * r.stride];
  }
}

void scatter_by(const std::uint32_t* codes, Index end, ConstBlock r, double* sums) {
  constexpr void (*of[])(const std::uint32_t*, std::size_t, ConstBlock, double*) = {
      scatter<0>, scatter<1>, scatter<2>, scatter<3>, scatter<4>,
      scatter<5>, scatter<6>, scatter<7>, scatter<8>};
  of[r.columns < 9 ? r.columns : 0](codes, size_of(end), r, sums);
}

}  // namespace

struct FamilyCategorical::Group {
  std::vector<Index> items;
  std::vector<Index> n_codes;        // of each item: its levels, and one more where some are missing
  Index size = 1;                    // combinations
  Index first = 0;                   // its first row of the tables
  std::vector<std::uint32_t> codes;  // of each row: its combination
  std::vector<Index> cells;          // of each combination: the cell of each item, or -1
};

struct FamilyCategorical::Lookup {
  std::vector<Group> groups;
  Index size = 0;       // combinations of all groups
  Matrix counts;        // n x columns of counts, 0 where missing
  Vector at_reference;  // n: log density there
  double largest = 0;   // count
};

FamilyCategorical::FamilyCategorical(Index k, std::vector<Item> items, CategoricalFields shape)
    : Family(k), items_(std::move(items)), shape_(shape), zero_(Vector::Zero(k)) {
  for (const Item& each : items_) {
    first_cell_.push_back(n_cells_);
    n_cells_ += each.n_levels;
    if (each.counts) n_counts_ += each.n_levels;
  }
  margin_.resize(n_cells_);
  for (Index j = 0; j < n_items(); ++j) {
    margin_.segment(first_cell(j), item(j).n_levels).setConstant(1.0 / static_cast<double>(item(j).n_levels));
  }
  mean_total_ = Vector::Ones(n_items());
  prob_.resize(k_ * (is_binary() ? n_items() : n_cells_));
  theta_.resize(n_counts_ + 1, k_);
  shares_.resize(n_counts_, k_);
  for (Index j = 0; j < n_items(); ++j) {
    for (Index c = 0; c < k_; ++c) maximise_item(j, c, more_rows(j, 1.0));
  }
}

void FamilyCategorical::bind(const Data& data) {
  Family::bind(data);
  auto lookup = std::make_shared<Lookup>();
  cross_items(*lookup);
  for (Group& group : lookup->groups) {
    group.first = lookup->size;
    lookup->size += group.size;
    list_cells(group);
  }
  if (n_counts_ > 0) copy_counts(*lookup);
  tables_.resize(lookup->size, k_);
  lookup_ = std::move(lookup);
}

bool FamilyCategorical::is_missing(Index row, Index j) const {
  const Index columns = item(j).counts ? item(j).n_levels : 1;
  for (Index l = 0; l < columns; ++l) {
    if (std::isnan(at(row, item(j).column + l))) return true;
  }
  return false;
}

double FamilyCategorical::count(Index row, Index j, Index level) const {
  if (item(j).counts) return at(row, item(j).column + level);
  return at(row, item(j).column) == static_cast<double>(level + 1) ? 1.0 : 0.0;
}

double FamilyCategorical::total(Index row, Index j) const {
  if (!item(j).counts) return 1.0;
  double sum = 0.0;
  for (Index l = 0; l < item(j).n_levels; ++l) sum += count(row, j, l);
  return sum;
}

double FamilyCategorical::probability(Index j, Index level, Index k) const {
  if (!is_binary()) return prob_[k + k_ * (first_cell(j) + level)];
  const double second = prob_[k + k_ * j];
  return level == 1 ? second : 1.0 - second;
}

// Rows spread as the item is in all rows together.
Vector FamilyCategorical::more_rows(Index j, double rows) const {
  return rows * mean_total_[j] * margin_.segment(first_cell(j), item(j).n_levels);
}

void FamilyCategorical::cross_items(Lookup& lookup) const {
  for (Index j = 0; j < n_items(); ++j) {
    if (item(j).counts) continue;
    bool some_missing = false;
    for (Index i = 0; i < data_.n && !some_missing; ++i) some_missing = is_missing(i, j);
    const Index size = item(j).n_levels + (some_missing ? 1 : 0);
    if (lookup.groups.empty() || lookup.groups.back().size * size > most_crossed)
      lookup.groups.emplace_back();
    Group& group = lookup.groups.back();
    group.codes.resize(size_of(data_.n), 0);
    for (Index i = 0; i < data_.n; ++i) {
      const Index code = is_missing(i, j) ? item(j).n_levels : static_cast<Index>(at(i, item(j).column)) - 1;
      group.codes[size_of(i)] += static_cast<std::uint32_t>(group.size * code);
    }
    group.items.push_back(j);
    group.n_codes.push_back(size);
    group.size *= size;
  }
}

void FamilyCategorical::list_cells(Group& group) const {
  for (Index at = 0; at < group.size; ++at) {
    Index rest = at;
    for (std::size_t j = 0; j < group.items.size(); ++j) {
      const Index code = rest % group.n_codes[j];
      rest /= group.n_codes[j];
      group.cells.push_back(code < item(group.items[j]).n_levels ? first_cell(group.items[j]) + code : -1);
    }
  }
}

void FamilyCategorical::copy_counts(Lookup& lookup) {
  lookup.counts = Matrix::Zero(data_.n, n_counts_);
  for (Index to = 0, j = 0; j < n_items(); ++j) {
    if (!item(j).counts) continue;
    for (Index i = 0; i < data_.n; ++i) {
      for (Index l = 0; l < item(j).n_levels && !is_missing(i, j); ++l) {
        lookup.counts(i, to + l) = count(i, j, l);
      }
    }
    to += item(j).n_levels;
  }
  lookup.largest = data_.n > 0 ? lookup.counts.maxCoeff() : 0.0;
  if (reference_.size() == 0) pool(lookup.counts);
  lookup.at_reference.resize(data_.n);
  for (Index i = 0; i < data_.n; ++i) {
    lookup.at_reference[i] = log_multinomial(lookup.counts.row(i), reference_);
  }
}

// Shares near those of the components, none of them 0; their last digits don't matter.
void FamilyCategorical::pool(const Matrix& counts) {
  reference_ = counts.colwise().sum().cwiseMax(0.5);
  for (Index at = 0, j = 0; j < n_items(); ++j) {
    if (!item(j).counts) continue;
    reference_.segment(at, item(j).n_levels) /= reference_.segment(at, item(j).n_levels).sum();
    at += item(j).n_levels;
  }
}

// All items of counts: given its total a Poisson count is multinomial.
double FamilyCategorical::log_multinomial(const Vector& counts, const Vector& shares) const {
  double out = 0.0;
  for (Index from = 0, j = 0; j < n_items(); ++j) {
    if (!item(j).counts) continue;
    const double sum = counts.segment(from, item(j).n_levels).sum();
    for (Index l = 0; l < item(j).n_levels; ++l, ++from) out += log_poisson(counts[from], shares[from], sum);
    out -= log_poisson(sum, 1.0, sum);
  }
  return out;
}

Index FamilyCategorical::n_workspace(Index block_rows) const {
  const Index packed =
      n_counts_ > 0 ? (n_counts_ + 1) * static_cast<Index>(block_stride(size_of(block_rows))) : 0;
  return packed + k_ * std::max(most_crossed, n_counts_);
}

Index FamilyCategorical::n_free() const {
  Index out = 0;
  for (Index j = 0; j < n_items(); ++j) {
    for (Index c = 0; c < k_; ++c) {
      Index free = is_binary() && !is_held(c + k_ * j) ? 2 : 0;
      for (Index l = 0; l < item(j).n_levels && !is_binary(); ++l) {
        if (!is_held(c + k_ * (first_cell(j) + l))) ++free;
      }
      out += std::max<Index>(free - 1, 0);
    }
  }
  return out;
}

Index FamilyCategorical::describe() {
  for (Index j = 0; j < n_items(); ++j) {
    VectorRef margin = margin_.segment(first_cell(j), item(j).n_levels);
    margin.setZero();
    double rows = 0.0;
    for (Index i = 0; i < data_.n; ++i) {
      const double w = data_.weight(i);
      if (w == 0.0 || is_missing(i, j) || total(i, j) == 0.0) continue;
      rows += w;
      if (item(j).counts) {
        for (Index l = 0; l < item(j).n_levels; ++l) margin[l] += w * count(i, j, l);
      } else {
        margin[static_cast<Index>(at(i, item(j).column)) - 1] += w;
      }
    }
    if (rows == 0.0) margin.setOnes();
    mean_total_[j] = rows > 0.0 ? margin.sum() / rows : 1.0;
    margin /= margin.sum();
  }
  return -1;
}

Index FamilyCategorical::prepare(Accuracy accuracy) {
  Matrix logs(n_cells_, k_);
  double reach = 1.0;
  Index counted = 0;
  for (Index j = 0; j < n_items(); ++j) {
    for (Index c = 0; c < k_; ++c) {
      for (Index l = 0; l < item(j).n_levels; ++l) {
        logs(first_cell(j) + l, c) = is_binary() && l == 0
                                         ? std::max(std::log1p(-prob_[c + k_ * j]), log_zero)
                                         : log_of(probability(j, l, c));
      }
    }
    if (!item(j).counts) continue;
    for (Index l = 0; l < item(j).n_levels; ++l, ++counted) {
      for (Index c = 0; c < k_; ++c) {
        const double p = probability(j, l, c);
        shares_(counted, c) = p;
        theta_(counted, c) = log_of(p / reference_[counted]);
        if (p > 0.0) reach = std::max(reach, std::abs(theta_(counted, c)));
      }
    }
  }
  theta_.row(n_counts_).setOnes();
  linear_ = n_counts_ == 0 || lookup_->largest * reach * std::numeric_limits<double>::epsilon() <
                                  (accuracy == Accuracy::fast ? loss_fast : loss_exact);
  has_zero_ = (logs.array() <= log_zero).any();
  tables_.setZero();
  for (const Group& group : lookup_->groups) {
    const Index* cell = group.cells.data();
    for (Index at = group.first; at < group.first + group.size; ++at) {
      for (std::size_t j = 0; j < group.items.size(); ++j, ++cell) {
        if (*cell >= 0) tables_.row(at) += logs.row(*cell);
      }
    }
  }
  return -1;
}

// Counts and their log density at the reference; codes stay where they are.
void FamilyCategorical::pack(Rows rows, double* work) const {
  if (n_counts_ == 0) return;
  const std::size_t size = size_of(rows.size);
  const Block all{work, size, size_of(n_counts_ + 1), block_stride(size)};
  kernels().pack(rows_of(lookup_->counts.data(), data_.n, n_counts_, rows.begin, rows.size), nullptr, nullptr,
                 columns_of(all, 0, size_of(n_counts_)));
  kernels().pack(rows_of(lookup_->at_reference.data(), data_.n, 1, rows.begin, rows.size), nullptr, nullptr,
                 columns_of(all, size_of(n_counts_), 1));
}

void FamilyCategorical::log_density(Rows rows, double* work, MatrixRef out) const {
  const std::size_t size = size_of(rows.size);
  if (!linear_) {
    for (Index i = 0; i < rows.size; ++i) {
      const Vector counts = lookup_->counts.row(rows.begin + i);
      for (Index c = 0; c < k_; ++c) out(i, c) = log_multinomial(counts, shares_.col(c));
    }
  } else if (n_counts_ > 0) {
    kernels().linear_density({work, size, size_of(n_counts_ + 1), block_stride(size)}, zero_.data(),
                             theta_.data(), block_of(out));
  } else {
    out.setZero();
  }
  for (const Group& group : lookup_->groups) {
    const std::uint32_t* codes = group.codes.data() + rows.begin;
    for (Index c = 0; c < k_; ++c) {
      const double* table = &tables_(group.first, c);
      double* to = &out(0, c);
      for (std::size_t i = 0; i < size; ++i) to[i] += table[codes[i]];
    }
  }
  if (has_zero_) kernels().drop_below(block_of(out), 0.9 * log_zero);
}

void FamilyCategorical::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                                   VectorRef statistics) const {
  const std::size_t size = size_of(rows.size);
  double* sums = work + (n_counts_ > 0 ? (n_counts_ + 1) * static_cast<Index>(block_stride(size)) : 0);
  if (n_counts_ > 0) {
    std::fill_n(sums, k_ * n_counts_, 0.0);
    kernels().linear_sums({work, size, size_of(n_counts_), block_stride(size)}, block_of(responsibilities),
                          sums, size_of(n_counts_));
    Index from = 0;
    for (Index j = 0; j < n_items(); ++j) {
      if (!item(j).counts) continue;
      for (Index l = 0; l < item(j).n_levels; ++l, ++from) {
        for (Index c = 0; c < k_; ++c) statistics[c + k_ * (first_cell(j) + l)] += sums[from + n_counts_ * c];
      }
    }
  }
  for (const Group& group : lookup_->groups) {
    const std::uint32_t* codes = group.codes.data() + rows.begin;
    if (group.items.size() == 1) {  // what is missing has the code behind the last level
      const Index j = group.items.front();
      scatter_by(codes, item(j).n_levels, block_of(responsibilities), &statistics[k_ * first_cell(j)]);
      continue;
    }
    std::fill_n(sums, k_ * group.size, 0.0);
    scatter_by(codes, group.size, block_of(responsibilities), sums);
    const Index* cell = group.cells.data();
    for (const double* own = sums; own != sums + k_ * group.size; own += k_) {
      for (std::size_t j = 0; j < group.items.size(); ++j, ++cell) {
        if (*cell >= 0) statistics.segment(k_ * *cell, k_) += ConstVectorMap(own, k_);
      }
    }
  }
}

std::unique_ptr<Family> FamilyCategorical::clone() const {
  return std::make_unique<FamilyCategorical>(*this);
}

}  // namespace em
