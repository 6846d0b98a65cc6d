"""Streaming blocks of the FDD massive-MIMO link."""
import os

# torch's idle threads would spin on the cores that the other blocks need; it reads this when it is first imported
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from blocks.awgn import AWGN
from blocks.burst_sync import BurstSync
from blocks.calibration_mlp import CalibrationMLP
from blocks.demod import Demod
from blocks.downlink_channel import DownlinkChannel
from blocks.file_sink import FileSink
from blocks.file_source import FileSource
from blocks.fingerprint_csi import FingerprintCSI
from blocks.frames_to_stream import FramesToStream
from blocks.genie_csi import GenieCSI
from blocks.gnuradio_message_sink import GNURadioMessageSink
from blocks.gnuradio_message_source import GNURadioMessageSource
from blocks.gnuradio_sink import GNURadioSink
from blocks.gnuradio_source import GNURadioSource
from blocks.learned_mimo_precoder import LearnedMIMOPrecoder
from blocks.learned_precoder import LearnedPrecoder
from blocks.lmmse_detector import LMMSEDetector
from blocks.lmmse_estimator import LMMSEEstimator
from blocks.ls_estimator import LSEstimator
from blocks.mf_detector import MFDetector
from blocks.mimo_rate_sink import MIMORateSink
from blocks.mimo_wmmse_precoder import MIMOWMMSEPrecoder
from blocks.mrt_precoder import MRTPrecoder
from blocks.pilot_calibration_mlp import PilotCalibrationMLP
from blocks.pilot_source import PilotSource
from blocks.precode import Precode
from blocks.qam_source import QAMSource
from blocks.rate_sink import RateSink
from blocks.rayleigh_channel import RayleighChannel
from blocks.runtime import Block, BlockError, Chain, Flowgraph, Signal, WiringError, ZmqSink, ZmqSource, run_block
from blocks.rzf_precoder import RZFPrecoder
from blocks.scaled_ls_estimator import ScaledLSEstimator
from blocks.sigmf_sink import SigMFSink
from blocks.sigmf_source import SigMFSource
from blocks.srsran_sink import SrsranSink
from blocks.srsran_source import SrsranSource
from blocks.stream_to_frames import StreamToFrames
from blocks.streams_to_vector import StreamsToVector
from blocks.structured_precoder import StructuredPrecoder
from blocks.tolerant_chain import TolerantChain
from blocks.uplink_channel import UplinkChannel
from blocks.vector_to_streams import VectorToStreams
from blocks.water_filling import WaterFilling
from blocks.wmmse_precoder import WMMSEPrecoder
from blocks.zf_detector import ZFDetector
from blocks.zf_precoder import ZFPrecoder

__all__ = ["AWGN", "Block", "BlockError", "BurstSync", "CalibrationMLP", "Chain", "Demod", "DownlinkChannel", "FileSink", "FileSource",
           "FingerprintCSI", "Flowgraph", "FramesToStream", "GNURadioMessageSink", "GNURadioMessageSource", "GNURadioSink",
           "GNURadioSource", "GenieCSI", "LMMSEDetector", "LMMSEEstimator", "LSEstimator", "LearnedMIMOPrecoder",
           "LearnedPrecoder", "MFDetector", "MIMORateSink", "MIMOWMMSEPrecoder", "MRTPrecoder", "PilotCalibrationMLP",
           "PilotSource", "Precode", "QAMSource", "RZFPrecoder", "RateSink", "RayleighChannel", "ScaledLSEstimator",
           "SigMFSink", "SigMFSource", "Signal", "SrsranSink", "SrsranSource", "StreamToFrames", "StreamsToVector",
           "StructuredPrecoder", "TolerantChain", "UplinkChannel", "VectorToStreams", "WMMSEPrecoder", "WaterFilling",
           "WiringError", "ZFDetector", "ZFPrecoder", "ZmqSink", "ZmqSource", "run_block"]
