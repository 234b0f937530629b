// kernels.h: the numerical kernels, compiled for several instruction sets and chosen at run time.
//
// A kernel works on one block of rows (128 to 1024, as the cache has room) that stays in the cache from
// pack() to the sums. Rows are the vector lanes, so blocks are column-major, as in R. In a block they go
//
//   Family::pack          pack, then pack_norm | pack_products where the form needs them
//   Family::log_density   linear_density | square_density | offset_density | diagonal_density | full_density
//   Latent::posterior     posterior, column_sums
//   Family::accumulate    column_sums, linear_sums | square_sums | product_sums | diagonal_sums | full_sums
//
// The expanded form (linear_*, square_*) takes any log density that is linear in features phi(x) of the row,
// l_k = c_k + phi' theta_k, with sufficient statistics sum of r phi:
//
//   phi             family                          theta_k
//   x               Gaussian, one covariance        S^-1 mu_k, as -x'S^-1 x / 2 is the same for all k
//   x, |x|^2        spherical                       mu_k / v_k, -1 / (2 v_k)
//   x, x^2          diagonal, and one dimension     mu_kj / v_kj, -1 / (2 v_kj)
//   x, x_a x_b      full, few dimensions            S^-1 mu_k, -P_aa / 2, -P_ab with P = S_k^-1; in more
//                                                   dimensions offset_density and product_sums
//   y, m - y, h     binomial, h = log choose(m, y)  log p_k, log(1 - p_k), 1; see drop_below()
//
// It is the fastest, and loses digits where a cluster is narrow against its distance from the centre. The
// other two forms take differences from the means first and are exact; their sums are about those means.
//
// Padding. Every vector access covers a multiple of Kernels::lanes rows, so each column of a block that a
// kernel reads or writes must have room for padded_rows(rows) entries (stride >= padded_rows(rows);
// block_stride() adds what keeps columns out of each other's cache sets). pack() fills the rows behind the
// last with zeros, log densities there are of no account, posterior() leaves zeros there, and the sums need
// zeros there: who makes responsibilities by hand pads them. Columns that start at a multiple of 64 bytes
// (see aligned()) are up to twice as fast; none must.
//
// Weights, row log-likelihoods and the data given to pack() have exactly `rows` entries and need no padding.
// The functions keep no state, allocate nothing, throw nothing and may run on several threads at once. The
// same block gives the same bits whatever the threads, and what a row gets (density, responsibility, row
// log-likelihood) doesn't depend on the block it is in. Between instruction sets the last digits differ: who
// needs the same bits on different machines calls use_kernels("baseline").
#pragma once

#include <cstddef>

namespace em {

// Blocks: `columns` columns of `rows` rows, `stride` doubles apart. Components are columns of log densities
// and of responsibilities.
struct ConstBlock {
  const double* data;
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;
};

struct Block {
  double* data;
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;

  [[gnu::always_inline]] operator ConstBlock() const { return {data, rows, columns, stride}; }
};

// Parameters are column-major with the component last: means d x K; factors, sums of squares d x d x K.
struct Kernels {
  const char* name;   // "baseline", "avx2", "avx512"
  std::size_t lanes;  // rows in a vector

  // out = (x - centre) * scale, column by column, padded with zeros. centre or scale may be null: 0, 1.
  void (*pack)(ConstBlock x, const double* centre, const double* scale, Block out);

  // Features made from the packed x, to be put behind it: the sum of squares (one column); the products
  // x_a x_b, b <= a, in the order (0,0) (1,0) (1,1) (2,0) ...
  void (*pack_norm)(ConstBlock x, Block out);
  void (*pack_products)(ConstBlock x, Block out);

  // Expanded form. theta is p x K with p = phi.columns, constant has K entries and K = out.columns.
  // linear_sums adds sum_i r_ik phi_ij to sums[j + k * sums_stride].
  void (*linear_density)(ConstBlock phi, const double* constant, const double* theta, Block out);
  void (*linear_sums)(ConstBlock phi, ConstBlock responsibilities, double* sums, std::size_t sums_stride);

  // The same for phi = [x, x^2], given x; p = 2 x.columns.
  void (*square_density)(ConstBlock x, const double* constant, const double* theta, Block out);
  void (*square_sums)(ConstBlock x, ConstBlock responsibilities, double* sums, std::size_t sums_stride);

  // The sums for phi = [x, x_a x_b], given x, the products in the order of pack_products.
  void (*product_sums)(ConstBlock x, ConstBlock responsibilities, double* sums, std::size_t sums_stride);

  // Sets what is below the limit to -Inf. The binomial with p = 0 or 1 gives -1e300 for log 0, so that 0
  // times it is 0, and calls drop_below(out, -1e290) behind linear_density.
  void (*drop_below)(Block inout, double limit);

  // Diagonal Gaussian: out = constant_k - 1/2 sum_j ((x_j - mean_jk) inverse_sd_jk)^2. diagonal_sums adds
  // sum r (x - mean) to s1 and sum r (x - mean)^2 to s2, both d x K. Spherical: d equal inverse_sd.
  void (*diagonal_density)(ConstBlock x, const double* means, const double* inverse_sd,
                           const double* constant, Block out);
  void (*diagonal_sums)(ConstBlock x, const double* means, ConstBlock responsibilities, double* s1,
                        double* s2);

  // Full Gaussian: out = constant_k - 1/2 |F_k (x - mean_k)|^2, where F_k is the lower triangle at
  // factors + k * factor_stride, d x d (the inverse of the Cholesky factor of S_k); what is above its
  // diagonal is not read. factor_stride is d * d, or 0 where all share one.
  // full_sums adds sum r (x - mean) to s1 (d x K) and the lower triangle of sum r (x - mean)(x - mean)' to
  // the d x d matrix at s2 + k * s2_stride; s2_stride 0 pools the components.
  // Both need scratch of full_scratch(rows, d) doubles; where it is aligned they are faster.
  void (*full_density)(ConstBlock x, const double* means, const double* factors, std::size_t factor_stride,
                       const double* constant, double* scratch, Block out);
  void (*full_sums)(ConstBlock x, const double* means, ConstBlock responsibilities, double* s1, double* s2,
                    std::size_t s2_stride, double* scratch);

  // out = constant_k - 1/2 |F_k x - offset_k|^2, d x K offsets: fewer operations, and as exact as x is small.
  void (*offset_density)(ConstBlock x, const double* offsets, const double* factors, const double* constant,
                         Block out);

  // Bayes' rule for a block. In: log f_k(x_i). Out: w_i r_ik, with r_ik = p_k f_k(x_i) / sum_j p_j f_j(x_i).
  // Returns sum w_i log f(x_i), f(x) = sum p_k f_k(x). weights and row_loglik may be null: ones; not wanted.
  // log_proportions may hold -Inf. A row of weight 0 adds 0 whatever its density. A row where no component
  // has a density (all -Inf) has log f = -Inf and the proportions as responsibilities. NaN stays NaN, +Inf
  // becomes NaN. next: data that somebody will read soon, fetched into the cache meanwhile; may be empty.
  double (*posterior)(Block inout, const double* proportions, const double* log_proportions,
                      const double* weights, double* row_loglik, ConstBlock next);

  // Adds the sum of each column to sums: the counts n_k from responsibilities.
  void (*column_sums)(ConstBlock x, double* sums);

  // Student components (student_tails.h). In: log densities l of the normal of one component; out: distances
  // 2 (top - l), kept within 0 and `farthest`, and log(1 + distance / nu). weigh_tails takes these and r:
  // out = r u with u = (nu + p) / (nu + distance), and returns sums of r (u - 1 - at_centre + logs) and of r.
  void (*tail_logs)(double* inout, std::size_t n, double top, double farthest, double inverse_nu,
                    double* logs);
  double (*weigh_tails)(const double* distance, const double* logs, const double* r, std::size_t n, double nu,
                        double p, double at_centre, double* out, double* count);

  // exp(x) for x <= 0 (relative error below 2.5e-16 down to -708, 0 below -709) and log(x) for x > 0, not
  // denormal, finite; both in place on n numbers, both pass NaN. For who computes his own densities.
  void (*exp)(double* x, std::size_t n);
  void (*log)(double* x, std::size_t n);
};

// The kernels in use: the best that this processor has, unless use_kernels() said otherwise.
const Kernels& kernels();

// Chooses kernels by name from now on, for the whole process; "best" is the initial state. Returns false and
// changes nothing where this machine has no such kernels. Blocks in flight keep what they began with.
bool use_kernels(const char* name);

// The kernels of that name, or null where this machine has none.
const Kernels* find_kernels(const char* name);

// Rows that a column of a block must have room for.
[[gnu::always_inline]] constexpr inline std::size_t padded_rows(std::size_t rows) {
  return (rows + 7) / 8 * 8;
}

// The best distance between columns: an odd number of cache lines.
[[gnu::always_inline]] constexpr inline std::size_t block_stride(std::size_t rows) {
  return padded_rows(rows) / 8 % 2 == 1 ? padded_rows(rows) : padded_rows(rows) + 8;
}

// Doubles of scratch for full_density and full_sums.
[[gnu::always_inline]] constexpr inline std::size_t full_scratch(std::size_t rows, std::size_t d) {
  return 32 * d + 5 * block_stride(rows);
}

// (These small functions are always inlined: a copy of their own, compiled for AVX-512, must not exist.)

// The first address at or behind p that is a multiple of 64 bytes: ask for 7 doubles more, then align.
[[gnu::always_inline]] inline double* aligned(double* p) {
  const std::size_t at = reinterpret_cast<std::size_t>(p);
  return p + (64 - at % 64) % 64 / sizeof(double);
}

}  // namespace em
