// The iteration of sim/wmmse_miso.py for USERS users, known to the compiler, on LANES channels at once.
#include <complex.h>
#include <math.h>

#define K USERS
typedef double lanes __attribute__((vector_size(8 * LANES)));
typedef float complex sample;

static void invert(lanes re[K][K], lanes im[K][K]) {  // sweeps; Hermitian, all of it kept
    for (int k = 0; k < K; k++) {
        lanes d = 1 / re[k][k], row_re[K], row_im[K];
        for (int j = 0; j < K; j++) row_re[j] = re[k][j] * d, row_im[j] = im[k][j] * d;
        for (int i = 0; i < K; i++) {
            if (i == k) continue;
            lanes a = re[i][k], b = im[i][k];
            for (int j = 0; j < K; j++) {
                re[i][j] -= a * row_re[j] - b * row_im[j];
                im[i][j] -= a * row_im[j] + b * row_re[j];
            }
            re[i][k] = -a * d, im[i][k] = -b * d;
        }
        for (int j = 0; j < K; j++) re[k][j] = row_re[j], im[k][j] = row_im[j];
        re[k][k] = d, im[k][k] = 0 * d;
    }
}

// h, v: (blocks, antennas, K), blocks a multiple of LANES
void wmmse(const sample *h, sample *v, int blocks, int antennas, double power, double noise, int iterations) {
    double ratio = noise / power;
    for (int b = 0; b < blocks; b += LANES) {
        lanes g_re[K][K] = {0}, g_im[K][K] = {0}, x_re[K][K], x_im[K][K], u[K], d[K], energy;
        for (int n = 0; n < LANES; n++)
            for (int m = 0; m < antennas; m++) {
                const sample *a = h + ((long)(b + n) * antennas + m) * K;
                for (int i = 0; i < K; i++)
                    for (int j = 0; j < K; j++) {
                        g_re[i][j][n] += (double)creal(a[i]) * creal(a[j]) + (double)cimag(a[i]) * cimag(a[j]);
                        g_im[i][j][n] += (double)creal(a[i]) * cimag(a[j]) - (double)cimag(a[i]) * creal(a[j]);
                    }
            }
        for (int k = 0; k < K; k++) u[k] = (lanes){0} + 1, d[k] = (lanes){0} + K * ratio;
        for (int iteration = 0;; iteration++) {
            lanes signal[K], leaked[K], eta = {0};
            for (int i = 0; i < K; i++) {
                for (int j = 0; j < K; j++) x_re[i][j] = u[i] * u[j] * g_re[i][j], x_im[i][j] = u[i] * u[j] * g_im[i][j];
                x_re[i][i] += d[i];
            }
            invert(x_re, x_im);
            energy = (lanes){0};
            for (int k = 0; k < K; k++) {
                signal[k] = u[k] * g_re[k][k] * x_re[k][k], leaked[k] = (lanes){0};
                for (int j = 0; j < K; j++) {
                    if (j == k) continue;
                    signal[k] += u[j] * (g_re[k][j] * x_re[k][j] + g_im[k][j] * x_im[k][j]);
                    leaked[k] += x_re[k][j] * x_re[k][j] + x_im[k][j] * x_im[k][j];
                }
                energy += u[k] * x_re[k][k] * signal[k] - d[k] * leaked[k];
            }
            if (iteration == iterations) break;
            for (int k = 0; k < K; k++) {
                lanes leak = d[k] / u[k], interference = leaked[k] * leak * leak + ratio * energy;
                lanes total = interference + signal[k] * signal[k];
                u[k] = signal[k] / total, d[k] = interference / total;
                eta += ratio * u[k] * u[k] / d[k];
            }
            for (int k = 0; k < K; k++) d[k] *= eta;
        }
        for (int n = 0; n < LANES; n++)
            for (int m = 0; m < antennas; m++) {
                const sample *a = h + ((long)(b + n) * antennas + m) * K;
                for (int k = 0; k < K; k++) {
                    double re = 0, im = 0, scale = sqrt(power / energy[n]);
                    for (int j = 0; j < K; j++) {
                        double x = scale * u[j][n] * x_re[j][k][n], y = scale * u[j][n] * x_im[j][k][n];
                        re += creal(a[j]) * x - cimag(a[j]) * y, im += creal(a[j]) * y + cimag(a[j]) * x;
                    }
                    v[((long)(b + n) * antennas + m) * K + k] = re + I * im;
                }
            }
    }
}
