//Numpy array shape [56]
//Min -211.000000000000
//Max 227.000000000000
//Number of zeros 0

#ifndef THRESHOLDS3_H_
#define THRESHOLDS3_H_

#ifndef __SYNTHESIS__
thresholds3_t thresholds3[56];
#else
thresholds3_t thresholds3[56] = {-115, -57, -21, 50, 118, 137, 227, -59, 66, 82, 83, 153, 204, 227, -171, -55, 33, 90, 98, 155, 227, -91, -61, -39, -10, 8, 97, 227, -200, -116, -69, 11, 29, 76, 227, -85, -78, -53, -1, 40, 97, 227, -211, -129, -112, -83, 53, 95, 227, -195, -123, -88, -60, -49, 129, 227};

#endif

#endif
