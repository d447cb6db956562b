// In the place of hls4ml's nnet_dense_resource.h, for C-simulation on native integers.
//
// Its three kernels walk through the weights in the order of the hardware, a stride of the reuse
// factor from one to the next, which no processor does quickly. All of them compute the same: the
// product of the inputs with a matrix whose rows, one an output, lie one after the other. Here that
// is done by rows, with the weights that the firmware loaded and the products that it asks for. With
// the open headers, hls4ml's own kernels run.
#ifndef FPGACOMP_CSIM_NNET_DENSE_RESOURCE_NATIVE_H
#define FPGACOMP_CSIM_NNET_DENSE_RESOURCE_NATIVE_H

#define NNET_DENSE_RESOURCE_H_

#include <fpgacomp_vector.hpp>
#include <nnet_utils/nnet_mult.h>

namespace fpgacomp_csim {

[[noreturn]] inline void stop(const char *why) {
    fprintf(stderr, "ERROR: %s\n", why);
    abort();
}

template <class T> struct integer {
    static constexpr bool is_signed = std::is_signed<typename T::storage>::value;
    static constexpr int value_bits = T::width + !is_signed; // of a signed number
};

// The weights as factors of 16 bits. The firmware may name another product than a multiplication,
// for weights of two bits; each that is emitted is the input times a number.
template <class data_T, class CONFIG_T> struct Factors {
    typedef typename CONFIG_T::weight_t weight_t;
    const weight_t *const from;
    fpgacomp::csim::PairMatrix matrix;

    __attribute__((noinline)) explicit Factors(const weight_t *w) : from(w), matrix(CONFIG_T::n_in, CONFIG_T::n_out) {
        const int64_t far = integer<data_T>::is_signed ? -1 : (int64_t(1) << data_T::width) - 1;
        for (int o = 0; o < int(CONFIG_T::n_out); o++) {
            for (int i = 0; i < int(CONFIG_T::n_in); i++, w++) {
                const int64_t factor = product(1, *w);
                if (product(0, *w) != 0 || product(far, *w) != far * factor) {
                    stop("a product of a dense layer is not its input times a number");
                }
                matrix.weight(o, i) = int16_t(factor);
            }
        }
    }

  private:
    static int64_t product(int64_t x, const weight_t &w) {
        return int64_t(CONFIG_T::template product<data_T, weight_t>::product(data_T(x), w).v);
    }
};

// sums = biases + data * weights, in whatever order: additions that wrap give the same in any.
template <class data_T, class CONFIG_T, bool SMALL> struct DenseRows {
    typedef typename CONFIG_T::accum_t accum_t;
    static void add(const data_T *data, const typename CONFIG_T::weight_t *weights, accum_t *sums) {
        typedef fpgacomp::csim::PairMatrix PairMatrix;
        static const Factors<data_T, CONFIG_T> made(weights); // they are loaded before the first call
        if (made.from != weights) {
            stop("two dense layers have the same configuration");
        }
        static const fpgacomp::csim::Aligned<int16_t> x(2 * made.matrix.pairs);
        static const fpgacomp::csim::Aligned<int32_t> totals(made.matrix.blocks * PairMatrix::LANES);
        for (int i = 0; i < int(CONFIG_T::n_in); i++) {
            x.get()[i] = int16_t(data[i].v);
        }
        made.matrix.template multiply<1>(x.get(), totals.get());
        for (int o = 0; o < int(CONFIG_T::n_out); o++) {
            sums[o] += accum_t(totals.get()[o]);
        }
    }
};
// Factors or sums that are wider.
template <class data_T, class CONFIG_T> struct DenseRows<data_T, CONFIG_T, false> {
    typedef typename CONFIG_T::accum_t accum_t;
    typedef typename CONFIG_T::weight_t weight_t;
    static void add(const data_T *data, const weight_t *weights, accum_t *sums) {
        for (int o = 0; o < int(CONFIG_T::n_out); o++) {
            for (int i = 0; i < int(CONFIG_T::n_in); i++, weights++) {
                sums[o] += accum_t(CONFIG_T::template product<data_T, weight_t>::product(data[i], *weights));
            }
        }
    }
};

} // namespace fpgacomp_csim

namespace nnet {

template <class data_T, class res_T, typename CONFIG_T>
void dense_resource(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_out],
                    typename CONFIG_T::weight_t weights[CONFIG_T::n_in * CONFIG_T::n_out],
                    typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
    typedef typename CONFIG_T::weight_t weight_t;
    typedef typename CONFIG_T::accum_t accum_t;
    constexpr bool small = fpgacomp_csim::integer<data_T>::value_bits <= 16 &&
                           fpgacomp_csim::integer<weight_t>::value_bits <= 16 && accum_t::width <= 32;
    accum_t sums[CONFIG_T::n_out];
    for (int o = 0; o < int(CONFIG_T::n_out); o++) {
        sums[o] = accum_t(biases[o]);
    }
    fpgacomp_csim::DenseRows<data_T, CONFIG_T, small>::add(data, weights, sums);
    for (int o = 0; o < int(CONFIG_T::n_out); o++) {
        res[o] = cast<data_T, res_T, CONFIG_T>(sums[o]);
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void dense_resource_rf_leq_nin(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_out],
                               typename CONFIG_T::weight_t weights[CONFIG_T::n_in * CONFIG_T::n_out],
                               typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
    dense_resource<data_T, res_T, CONFIG_T>(data, res, weights, biases);
}
template <class data_T, class res_T, typename CONFIG_T>
void dense_resource_rf_gt_nin_rem0(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_out],
                                   typename CONFIG_T::weight_t weights[CONFIG_T::n_in * CONFIG_T::n_out],
                                   typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
    dense_resource<data_T, res_T, CONFIG_T>(data, res, weights, biases);
}
template <class data_T, class res_T, typename CONFIG_T>
void dense_resource_rf_gt_nin(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_out],
                              typename CONFIG_T::weight_t weights[CONFIG_T::n_in * CONFIG_T::n_out],
                              typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
    dense_resource<data_T, res_T, CONFIG_T>(data, res, weights, biases);
}

} // namespace nnet

#endif
